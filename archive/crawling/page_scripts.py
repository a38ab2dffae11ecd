"""What the browser pass runs within an open page (JavaScript)."""

from __future__ import annotations

# The same random numbers on every opening: addresses that hold one stay the same.
STEADY = "(()=>{let s=42;Math.random=()=>(s=(s*16807)%2147483647)/2147483647})()"
COLLECT = """() => {
  const found = [];
  for (const e of document.querySelectorAll('a[href],area[href],iframe[src],frame[src]'))
    found.push(['page', String(e.href && e.href.baseVal !== undefined ? new URL(e.href.baseVal, e.baseURI) : e.href || e.src)]);
  for (const e of document.querySelectorAll('img[src],source[src],video[src],audio[src],embed[src],link[href],script[src]'))
    found.push(['requisite', String(e.currentSrc || e.src || e.href)]);
  return found.slice(0, 20000);
}"""
SCROLL = (
    "() => { window.scrollTo(0, document.documentElement.scrollHeight); return document.documentElement.scrollHeight; }"
)
ROUTES = """() => [...new Set([...document.querySelectorAll('a[href]')].map(e => e.getAttribute('href'))
  .filter(h => /^#!?\\//.test(h)))].slice(0, 30)"""
HANDLERS = """'a[href^="javascript:" i], a[onclick], button[onclick], [onclick], button, a[href="#"]'"""
CLICK = (
    """([number, only]) => {
  const more = /加载更多|查看更多|点击更多|更多|下一页|load more|show more|next/i;
  const all = [...document.querySelectorAll("""
    + HANDLERS
    + """)].filter(e => !e.closest('form') && !/logout|signout|delete|退出|注销|删除|print/i.test(e.outerHTML.slice(0, 300)));
  const chosen = only ? all.filter(e => more.test(e.textContent) && e.offsetParent !== null) : all;
  const one = chosen[number];
  if (one) one.click();
  return chosen.length;
}"""
)
# Resolved when what answers have set going is done.
REST = "() => new Promise(done => requestIdleCallback(() => setTimeout(done, 0), {timeout: 1000}))"

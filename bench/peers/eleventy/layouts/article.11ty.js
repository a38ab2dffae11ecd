import { day, escape, frame, item } from "./frame.js";

const HEADING = /<h([23]) id="([^"]*)">(.*?)<\/h\1>/g;

export function render(data) {
  const sites = data.collections.city;
  const { place } = data;
  const { articles } = sites.get(place.site).columns.get(place.column);
  const older = articles[place.number + 1];
  const newer = articles[place.number - 1];
  const contents = [...data.content.matchAll(HEADING)].map(([, , id, text]) => `<li><a href="#${id}">${text}</a></li>`);
  const related = articles.slice(0, 7).filter((article) => article.url !== data.page.url).map(item);
  const main = `<article class="art" data-pagefind-body><h1>${escape(data.title)}</h1>
<div class="meta"><span>来源：${escape(data.source)}</span><span>发布时间：<time datetime="${day(data.page.date)}">${day(data.page.date)}</time></span><span>栏目：${escape(data.column)}</span>${data.docnumber ? `<span>文号：${escape(data.docnumber)}</span>` : ""}</div>
${data.indexnumber ? `<table class="idx"><tr><th>索引号</th><td>${escape(data.indexnumber)}</td><th>发布机构</th><td>${escape(data.source)}</td></tr></table>` : ""}
<nav class="toc"><ul>${contents.join("")}</ul></nav>
<div class="body">${data.content}</div>
<ul class="kw">${(data.keywords ?? []).map((word) => `<li>${escape(word)}</li>`).join("")}</ul>
<div class="pn">${older ? `<a rel="prev" href="${older.url}">上一篇：${escape(older.data.title)}</a>` : ""}${newer ? `<a rel="next" href="${newer.url}">下一篇：${escape(newer.data.title)}</a>` : ""}</div>
</article>
<aside class="rel"><h2>相关信息</h2><ul>${related.join("")}</ul></aside>`;
  return frame({ sites, title: data.title, url: data.page.url, date: data.page.date, meta: data, place, main });
}

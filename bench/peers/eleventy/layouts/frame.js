export const escape = (text) => String(text ?? "").replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
export const day = (date) => date.toISOString().slice(0, 10);
export const item = (article) =>
  `<li><a href="${article.url}">${escape(article.data.title)}</a><time>${day(article.date)}</time></li>\n`;

let footer; // the same on every page: made once, as Hugo's partialCached

function makeFooter(sites) {
  const links = [...sites].slice(0, 41).map(([id, site]) => `<li><a href="/${id}/">${escape(site.title)}</a></li>\n`);
  return `<footer class="ft"><div class="links"><h2>友情链接</h2><ul>${links.join("")}</ul></div>
<div class="org"><p>主办单位：市人民政府办公室　承办单位：市大数据管理局</p><p>网站标识码：1234567890　ICP备00000000号-1　公安备案00000000000000号</p><p>联系电话：0000-0000000　地址：市政府大院</p>
<ul><li><a href="/about/">关于我们</a></li><li><a href="/sitemap.xml">网站地图</a></li><li><a href="/privacy/">隐私声明</a></li><li><a href="/contact/">联系我们</a></li></ul></div></footer>`;
}

export function frame({ sites, title, url, date, meta, place, main }) {
  footer ??= makeFooter(sites);
  const site = place?.site ? sites.get(place.site) : null;
  const menu = site
    ? [...site.columns].map(([id, column]) => `<li${id === place.column ? ' class="on"' : ""}><a href="/${place.site}/${id}/">${escape(column.title)}</a></li>\n`)
    : [];
  const crumbs = [`<li><a href="/">市人民政府门户网站</a></li>`];
  if (site && place.column) crumbs.push(`<li><a href="/${place.site}/">${escape(site.title)}</a></li>`);
  if (site && place.number !== undefined)
    crumbs.push(`<li><a href="/${place.site}/${place.column}/">${escape(site.columns.get(place.column).title)}</a></li>`);
  const address = `https://www.example.gov.cn${url}`;
  return `<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}_市人民政府门户网站</title>
<meta name="SiteName" content="市人民政府门户网站"><meta name="SiteDomain" content="www.example.gov.cn"><meta name="SiteIDCode" content="1234567890">
<meta name="ArticleTitle" content="${escape(title)}"><meta name="PubDate" content="${date ? day(date) : ""}">
<meta name="ContentSource" content="${escape(meta?.source)}"><meta name="Keywords" content="${escape((meta?.keywords ?? []).join(","))}">
<meta name="Description" content="${escape(meta?.description)}"><meta name="ColumnName" content="${escape(meta?.column)}"><meta name="Url" content="${address}">
<link rel="canonical" href="${address}"><link rel="stylesheet" href="/assets/site.css"><script defer src="/assets/site.js"></script>
</head>
<body>
<a class="skip" href="#main">跳到主要内容</a>
<header class="hd"><div class="top"><a href="/">市人民政府门户网站</a><ul><li><a href="/zh-hant/">繁體</a></li><li><a href="/a11y/">无障碍</a></li><li><a href="/elder/">长者模式</a></li></ul></div>
<div class="brand"><a href="/${place?.site ?? ""}/"><img src="/assets/emblem.svg" alt="国徽" width="64" height="64"><strong>${escape(site?.title)}</strong></a>
<form role="search" action="/search/"><label for="q">站内搜索</label><input id="q" name="q" type="search"><button>搜索</button></form></div>
<nav aria-label="主导航"><ul>${menu.join("")}</ul></nav></header>
<nav class="crumb" aria-label="当前位置"><ol>${crumbs.join("")}<li aria-current="page">${escape(title)}</li></ol></nav>
<main id="main" tabindex="-1">
${main}
</main>
${footer}
</body>
</html>
`;
}

// Home, sites, columns (20 articles a page): one output each.
import { escape, frame, item } from "../../layouts/frame.js";

const block = ([url, title, articles]) =>
  `<section><h2><a href="${url}">${escape(title)}</a></h2><ul>${articles.slice(0, 8).map(item).join("")}</ul></section>`;

function list({ url, articles, page, pages }) {
  const base = url.replace(/page\/\d+\/$/, "");
  const previous = page > 1 ? `<a href="${page === 2 ? base : `${base}page/${page - 1}/`}">上一页</a>` : "";
  const next = page < pages ? `<a href="${base}page/${page + 1}/">下一页</a>` : "";
  return `<ul class="list">${articles.map(item).join("")}</ul><nav class="pager">${previous}<span>${page}/${pages}</span>${next}</nav>`;
}

export const data = {
  layout: false,
  pagination: { data: "collections.lists", size: 1, alias: "output" },
  permalink: ({ output }) => `${output.url}index.html`,
};

export function render({ output, collections }) {
  const main = `<h1>${escape(output.title)}</h1>\n${output.sections ? output.sections.map(block).join("") : list(output)}`;
  return frame({ sites: collections.city, title: output.title, url: output.url, place: output.place, main });
}

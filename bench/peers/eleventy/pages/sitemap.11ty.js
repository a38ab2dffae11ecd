import { day } from "../../layouts/frame.js";

export const data = { layout: false, permalink: "/sitemap.xml" };

export function render({ collections }) {
  const articles = [...collections.city.values()].flatMap((site) => [...site.columns.values()].flatMap((c) => c.articles));
  const urls = articles.map((a) => `<url><loc>https://www.example.gov.cn${a.url}</loc><lastmod>${day(a.date)}</lastmod></url>`);
  return `<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n${urls.join("\n")}\n</urlset>\n`;
}

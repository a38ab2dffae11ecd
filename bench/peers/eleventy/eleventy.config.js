// Eleventy with what Hugo's reference theme shows: articles, paged lists, home, site map. Templates are plain
// JavaScript and Markdown passes no template engine, which is the fastest that Eleventy offers.
import { readFileSync, readdirSync } from "node:fs";
import markdownIt from "markdown-it";

const titleOf = (path) => /^title: (.*)$/m.exec(readFileSync(path, "utf8"))[1];
const byDate = (one, other) => other.date - one.date || (one.inputPath < other.inputPath ? -1 : 1);

function markdown() {
  const md = markdownIt({ html: true });
  md.core.ruler.push("places", (state) => {
    const seen = new Map();
    for (let at = 0; at < state.tokens.length; at++) {
      const token = state.tokens[at];
      if (token.type === "heading_open") {
        const slug = state.tokens[at + 1].content.replace(/[\s、（）]+/g, "-");
        const times = seen.get(slug) ?? 0;
        seen.set(slug, times + 1);
        token.attrSet("id", times ? `${slug}-${times}` : slug);
      }
      for (const child of token.children ?? []) {
        const href = child.type === "link_open" ? child.attrGet("href") : null;
        if (href?.endsWith(".md")) child.attrSet("href", `../${href.slice(0, -3)}/`);
        else if (href?.startsWith("../")) child.attrSet("href", `../${href}`);
        if (child.type === "image") child.attrSet("src", `../${child.attrGet("src")}`);
      }
    }
  });
  return md;
}

function city() {
  const sites = new Map();
  for (const site of readdirSync("content", { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== "_pages")) {
    const columns = new Map();
    for (const column of readdirSync(`content/${site.name}`, { withFileTypes: true })) {
      if (column.isDirectory() && column.name !== "assets")
        columns.set(column.name, { title: titleOf(`content/${site.name}/${column.name}/_index.md`), articles: [] });
    }
    sites.set(site.name, { title: titleOf(`content/${site.name}/_index.md`), columns });
  }
  return sites;
}

function gather(api) {
  const sites = city();
  for (const article of api.getAll().filter((item) => item.data.layout === "article.11ty.js").sort(byDate)) {
    const [, site, column] = article.inputPath.replace("./", "").split("/");
    const { articles } = sites.get(site).columns.get(column);
    article.data.place = { site, column, number: articles.length };
    articles.push(article);
  }
  return sites;
}

const SIZE = 20;

function lists(sites) {
  const blocks = [...sites].map(([id, site]) => [id, site.title, [...site.columns.values()].flatMap((c) => c.articles)]);
  const found = [{ url: "/", title: "市人民政府门户网站", sections: blocks.map(([id, ...rest]) => [`/${id}/`, ...rest]) }];
  for (const [id, site] of sites) {
    const sections = [...site.columns].map(([name, column]) => [`/${id}/${name}/`, column.title, column.articles]);
    found.push({ url: `/${id}/`, title: site.title, place: { site: id }, sections });
    for (const [name, column] of site.columns) {
      const pages = Math.max(1, Math.ceil(column.articles.length / SIZE));
      for (let page = 1; page <= pages; page++) {
        const url = page === 1 ? `/${id}/${name}/` : `/${id}/${name}/page/${page}/`;
        const articles = column.articles.slice((page - 1) * SIZE, page * SIZE);
        found.push({ url, title: column.title, place: { site: id, column: name }, articles, page, pages });
      }
    }
  }
  return found;
}

export default function (eleventy) {
  eleventy.setLibrary("md", markdown());
  eleventy.setQuietMode(true);
  eleventy.ignores.add("content/**/_index.md");
  eleventy.addPassthroughCopy({ content: "." }, { filter: ["**/*.png", "**/*.pdf"] });
  let sites; // whichever of the two collections Eleventy asks for first gathers them
  eleventy.addCollection("city", (api) => (sites ??= gather(api)));
  eleventy.addCollection("lists", (api) => lists((sites ??= gather(api))));
  return {
    dir: { input: "content", output: "output", includes: "../layouts", layouts: "../layouts", data: "../data" },
    markdownTemplateEngine: false,
    htmlTemplateEngine: false,
  };
}

// The engine of themes/gov/assets/search.js over the files of one release, for tests and benchmarks.
// Lines of JSON in ({query, options, all}), lines of JSON out. `frame`: pages are plain texts, and cost as much more.
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import zlib from "node:zlib";
import { pathToFileURL } from "node:url";

const [script, site, frame] = process.argv.slice(2);
const engine = await import(pathToFileURL(path.resolve(script)));
const given = path.join(site, "pages.json");
const pages = fs.existsSync(given) ? JSON.parse(fs.readFileSync(given, "utf8")) : null;
let bytes = 0, requests = 0, kinds = {};
const cost = (kind, n) => { bytes += n; requests++; kinds[kind] = (kinds[kind] || 0) + n; };

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

function bodyOf(html) {
  const old = html.indexOf('<div class="gdz-page'), start = old >= 0 ? old : html.search(/<div class="md-typeset gov-body/);
  if (start < 0) return "";
  const tag = /<(\/?)div\b[^>]*>/g;
  tag.lastIndex = start;
  let depth = 0, end = html.length, match;
  while ((match = tag.exec(html))) {
    depth += match[1] ? -1 : 1;
    if (!depth) { end = match.index; break; }
  }
  const inner = html.slice(html.indexOf(">", start) + 1, end).replace(/<(script|style|template|noscript)\b[\s\S]*?<\/\1\s*>/gi, "");
  return inner.replace(/<!--[\s\S]*?-->|<(?:[^<>"']|"[^"]*"|'[^']*')*>/g, "")
    .replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (all, d, x, name) => (d ? String.fromCodePoint(+d) : x ? String.fromCodePoint(parseInt(x, 16)) : ENTITIES[name] || all)).trim();
}

const files = {
  async read(name) {
    const data = fs.readFileSync(path.join(site, "search", name));
    cost(name.split("/").slice(-2)[0] + (name.endsWith("heavy.bin") ? "heavy" : ""), name.endsWith(".bin") ? data.length : zlib.gzipSync(data).length);
    return new Uint8Array(data);
  },
  async page(url) {
    if (pages) return pages[url] || "";
    if (frame) {
      const text = fs.readFileSync(path.join(site, url.slice(1)));
      cost("page", zlib.gzipSync(text).length + Number(frame));
      return text.toString("utf8");
    }
    const html = fs.readFileSync(path.join(site, url.slice(1)));
    cost("page", zlib.gzipSync(html).length);
    return bodyOf(html.toString("utf8"));
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  bytes = requests = 0; kinds = {};
  const start = performance.now();
  const index = await engine.open(files);
  let answer;
  if (asked.fold !== undefined) answer = { text: engine.fold(asked.fold, await index.variants()).text, ...engine.parse(asked.fold, index.table()) };
  else if (asked.suggest) answer = { titles: await engine.suggestions(index, asked.suggest, 8) };
  else {
    const results = await index.search(asked.query, asked.options);
    const hits = await results.next();
    answer = { bytes, requests, kinds: { ...kinds }, shown: hits.length, milliseconds: performance.now() - start, first: results.count };
    while (asked.all && !results.done) hits.push(...(await results.next()));
    if (asked.facets) answer.facets = Object.fromEntries(Object.entries(await engine.facets(results)).map(([k, v]) => [k, Object.fromEntries(v)]));
    Object.assign(answer, { done: results.done, terms: results.asked.terms, phrase: results.asked.phrase, count: results.count, total: results.total, hits });
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}

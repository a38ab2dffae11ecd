// Material for MkDocs' own search worker in node: node material_search.mjs WORKER INDEX; queries as lines of JSON in,
// {ready, memory}, then {found} for each query out.
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import vm from "node:vm";

const [worker, index] = process.argv.slice(2);
let listen = null, answer = null;
const root = path.dirname(worker);
const scope = {
  console, setTimeout, clearTimeout,
  addEventListener: (_name, given) => { listen = given; },
  postMessage: (message) => answer(message),
  importScripts: (...names) => names.forEach((name) => vm.runInContext(fs.readFileSync(path.join(root, name), "utf8"), scope)),
};
scope.self = scope;
vm.createContext(scope);
vm.runInContext(fs.readFileSync(worker, "utf8"), scope);
const ask = (data) => new Promise((resolve) => { answer = resolve; listen({ data }); });

const data = JSON.parse(fs.readFileSync(index, "utf8"));
const start = performance.now();
await ask({ type: 0, data: { ...data, options: { suggest: false } } });
console.log(JSON.stringify({ ready: performance.now() - start, memory: process.memoryUsage().rss }));
for await (const line of readline.createInterface({ input: process.stdin })) {
  const result = await ask({ type: 2, data: JSON.parse(line) });
  console.log(JSON.stringify({ found: result.data.items.flat().map((item) => item.location) }));
}

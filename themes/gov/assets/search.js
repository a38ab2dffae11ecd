// Search in the browser over the static shards of a release. What the files mean: docs/search.md.
// `open` and what is exported know nothing of a page; `start` is the page /search/.

const MAX_QUERY = 100, MAX_TERMS = 8, BLOCK = 22, PAGE = 10;
const FEW = 10; // so few candidates are looked at one by one
const BUDGET = 147000; // bytes that are read for ten results, before the reader is asked to go on
const SPARSE = 500; // among so few candidates places tell more than lists
const LISTS = 12000; // bytes of lists that one term may cost, about
const TABLE = 13000; // bytes of variants.txt
const LOOK = 5500; // bytes of a page, about
const RESERVE = 12000; // bytes that lists and places leave for pages
const HASH = 2654435761;
const SPACE = /[\t-\r \x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const NOTHING = "\xad\u200b\u200c\u200d\u2060\ufeff";

// --- folding: as sitegen/search/folding.py, character by character, so that places in the text are kept

/** {text, at}: the folded text, and for each of its units where it stood. */
export function fold(text, table) {
  let out = "", gap = false;
  const at = [];
  for (let i = 0; i < text.length; ) {
    const c = String.fromCodePoint(text.codePointAt(i));
    for (const raw of plain(c)) {
      if (SPACE.test(raw)) { gap = true; continue; }
      const one = (table && table.get(raw)) || raw;
      if (gap && out && out.charCodeAt(out.length - 1) < 0x2e80 && one.charCodeAt(0) < 0x2e80) { out += " "; at.push(i - 1); }
      gap = false;
      for (let k = 0; k < one.length; k++) at.push(i);
      out += one;
    }
    i += c.length;
  }
  return { text: out, at };
}

function plain(c) {
  const code = c.charCodeAt(0);
  if (code < 0x80) return c.toLowerCase();
  if (code >= 0x4e00 && code < 0xa000) return c;
  if (NOTHING.indexOf(c) >= 0) return "";
  return (c.normalize ? c.normalize("NFKC") : c).toLowerCase();
}

/** {terms, phrase} of a query, folded; no terms: there is nothing to look for. */
export function parse(query, table) {
  const f = (s) => fold(s, table).text;
  query = Array.from(query).slice(0, MAX_QUERY).join("").replace(/＂/g, '"');
  const words = [], split = new RegExp(SPACE.source + "+");
  let place = 0;
  query.replace(/"([^"]+)"/g, (all, inner, at) => {
    words.push(...query.slice(place, at).split(split), inner);
    place = at + all.length;
    return "";
  });
  words.push(...query.slice(place).split(split));
  const joined = [];
  for (const word of words.filter(f)) {
    const last = joined.length - 1;
    if (last >= 0 && f(joined[last]).length < 2) joined[last] += " " + word;
    else joined.push(word);
  }
  const n = joined.length;
  if (n > 1 && f(joined[n - 1]).length < 2) joined.splice(n - 2, 2, joined[n - 2] + " " + joined[n - 1]);
  const terms = joined.slice(0, MAX_TERMS).map(f).filter((t, i, all) => t.length > 1 && all.indexOf(t) === i);
  return { terms, phrase: f(query.replace(/"/g, " ")) };
}

// --- files

const LENGTHS = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const DISTANCES = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

function tree(lengths) {
  const count = new Uint16Array(16), symbol = new Uint16Array(lengths.length), offset = new Uint16Array(16);
  for (const l of lengths) count[l]++;
  count[0] = 0;
  for (let i = 1; i < 16; i++) offset[i] = offset[i - 1] + count[i - 1];
  for (let i = 0; i < lengths.length; i++) if (lengths[i]) symbol[offset[lengths[i]]++] = i;
  return { count, symbol };
}

/** Raw deflate, undone. Files are packed by us, so that a query costs the same whatever the web server does. */
export function inflate(data) {
  let at = 0, hold = 0, have = 0, out = new Uint8Array(data.length * 4 + 1024), n = 0;
  const bits = (k) => {
    while (have < k) { hold |= data[at++] << have; have += 8; }
    const value = hold & ((1 << k) - 1);
    hold >>>= k; have -= k;
    return value;
  };
  const decode = (t) => {
    let code = 0, first = 0, index = 0;
    for (let l = 1; l < 16; l++) {
      code |= bits(1);
      const count = t.count[l];
      if (code - count < first) return t.symbol[index + code - first];
      index += count; first = (first + count) << 1; code <<= 1;
    }
    throw new Error("damaged");
  };
  const room = (k) => {
    if (n + k > out.length) { const more = new Uint8Array((n + k) * 2); more.set(out); out = more; }
  };
  for (let final = 0; !final; ) {
    final = bits(1);
    const type = bits(2);
    if (type === 0) {
      hold = have = 0;
      const length = data[at] | data[at + 1] << 8;
      at += 4; room(length);
      out.set(data.subarray(at, at + length), n);
      n += length; at += length;
      continue;
    }
    let literals, distances;
    if (type === 1) {
      const l = new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280);
      literals = tree(l); distances = tree(new Uint8Array(30).fill(5));
    } else {
      const hl = bits(5) + 257, hd = bits(5) + 1, hc = bits(4) + 4, c = new Uint8Array(19), l = new Uint8Array(hl + hd);
      for (let i = 0; i < hc; i++) c[ORDER[i]] = bits(3);
      const codes = tree(c);
      for (let i = 0; i < hl + hd; ) {
        const s = decode(codes);
        if (s < 16) { l[i++] = s; continue; }
        const value = s === 16 ? l[i - 1] : 0;
        for (let k = s === 16 ? 3 + bits(2) : s === 17 ? 3 + bits(3) : 11 + bits(7); k; k--) l[i++] = value;
      }
      literals = tree(l.subarray(0, hl)); distances = tree(l.subarray(hl));
    }
    for (;;) {
      let s = decode(literals);
      if (s === 256) break;
      if (s < 256) { room(1); out[n++] = s; continue; }
      s -= 257;
      const extra = s < 8 || s === 28 ? 0 : (s - 4) >> 2;
      const length = LENGTHS[s] + bits(extra);
      const d = decode(distances);
      const back = DISTANCES[d] + bits(d < 4 ? 0 : (d - 2) >> 1);
      room(length);
      for (let k = 0; k < length; k++, n++) out[n] = out[n - back];
    }
  }
  return out.subarray(0, n);
}

class Bytes {
  constructor(data) { this.data = data; this.at = 0; }
  number() {
    let value = 0, scale = 1;
    for (;;) {
      const b = this.data[this.at++];
      value += (b & 127) * scale;
      if (b < 128) return value;
      scale *= 128;
    }
  }
  numbers(n) { const out = new Array(n); for (let i = 0; i < n; i++) out[i] = this.number(); return out; }
  sums(n, value) { const out = this.numbers(n); for (let i = 0; i < n; i++) out[i] = value += out[i]; return out; }
  skip(n) { while (n) if (this.data[this.at++] < 128) n--; }
  skipPlaces(n) { while (n) if (this.data[this.at++] > 127) n--; }
  /** For each of `n` documents the places of a pair in it. */
  places(n) {
    const out = [];
    for (let one = []; out.length < n; ) {
      const b = this.data[this.at++];
      one.push(b & 127);
      if (b > 127) { out.push(one); one = []; }
    }
    return out;
  }
}

const text = (data) => new TextDecoder().decode(data);

// A list: `docs` and `titles` rising, `places(i)` those in the document docs[i], modulo 128.

function fromShard(data, base, hash) {
  const bytes = new Bytes(data);
  const part = (placed) => {
    const n = bytes.number(), hashes = bytes.sums(n, base), counts = bytes.numbers(n);
    const i = hashes.indexOf(hash), sum = (a, b) => counts.slice(a, b).reduce((x, y) => x + y, 0);
    const before = i < 0 ? 0 : sum(0, i), own = i < 0 ? 0 : counts[i], after = sum(0, n) - before - own;
    bytes.skip(before);
    const docs = bytes.sums(own, -1);
    bytes.skip(after);
    if (!placed) return { docs };
    bytes.skipPlaces(before);
    const places = bytes.places(own);
    bytes.skipPlaces(after);
    return { docs, places };
  };
  const found = part(true);
  return { docs: found.docs, places: (i) => found.places[i], titles: part(false).docs };
}

function fromFile(data) {
  const bytes = new Bytes(data), docs = bytes.sums(bytes.number(), -1);
  return { docs, titles: bytes.sums(bytes.number(), -1) };
}

/** Where a frequent pair begins in each of its documents. `read(n)`: the n-th file; null when it may not be read now. */
class Places {
  constructor(read) { this.read = read; this.kept = []; }
  file(n) {
    if (this.kept[n]) return this.kept[n];
    const data = this.read(n);
    return data && (this.kept[n] = data.then((file) => {
      const bytes = new Bytes(file);
      if (!n) this.ends = bytes.sums(bytes.number(), -1);
      const docs = bytes.sums(bytes.number(), n ? this.ends[n - 1] : -1);
      return { docs, places: bytes.places(docs.length) };
    }));
  }
  /** What it costs to ask about a document now. */
  bytes(id) {
    const n = this.ends ? indexOf(this.ends, id) : 0;
    return this.kept[n] ? 0 : sizeOf(n);
  }
  async of(id) {
    if (!this.ends && !(await this.file(0))) return null;
    const file = await this.file(indexOf(this.ends, id));
    return file && placesIn(file.docs, (i) => file.places[i], id);
  }
}

const sizeOf = (n) => 1000 << Math.min(n, 3);

/** How often a pair says no, as far as it was asked. */
const refusing = (pair) => (pair.no + 1) / (pair.asked + 2);

function placesIn(docs, places, id) {
  const i = indexOf(docs, id);
  return docs[i] === id ? places(i) : [];
}

function indexOf(list, value) {
  let low = 0, high = list.length;
  while (low < high) { const mid = (low + high) >> 1; if (list[mid] < value) low = mid + 1; else high = mid; }
  return low;
}

/** What two rising lists have in common. */
function common(a, b) {
  const out = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] < b[j]) i++;
    else if (a[i] > b[j]) j++;
    else { out.push(a[i]); i++; j++; }
  }
  return out;
}

class Segment {
  constructor(facts, files) {
    Object.assign(this, facts);
    this.files = files;
    this.kept = new Map();
    this.spots = new Map();
    this.gone = new Set(facts.dead || []);
  }
  read(name) {
    if (!this.kept.has(name)) {
      this.kept.set(name, this.files.read(this.path + "/" + name).then((data) => {
        this.files.spent += data.length;
        return inflate(data);
      }));
    }
    return this.kept.get(name);
  }
  /** Frequent pairs: hash → number of documents. */
  async frequent() {
    if (!this.heavy) {
      const bytes = new Bytes(await this.read("heavy.bin")), n = bytes.number(), hashes = bytes.sums(n, 0), counts = bytes.numbers(n);
      this.heavy = new Map(hashes.map((h, i) => [h, counts[i] * 64 + 64]));
    }
    return this.heavy;
  }
  list({ hash, count }) {
    const key = "=" + hash;
    if (!this.kept.has(key)) this.kept.set(key, count ? this.heavyList(hash.toString(16)) : this.light(hash));
    return this.kept.get(key);
  }
  async heavyList(name) {
    return fromFile(await this.read("h/" + name + ".bin"));
  }
  /** Where a pair begins in a document; null: it would cost too much to look now. */
  async places({ hash, count }, id) {
    if (!count) { const list = await this.list({ hash }); return placesIn(list.docs, list.places, id); }
    return this.spot(hash).of(id);
  }
  spot(hash) {
    if (!this.spots.has(hash)) {
      this.spots.set(hash, new Places((n) =>
        affords(this.files, sizeOf(n)) ? this.read("p/" + hash.toString(16) + "-" + n.toString(16) + ".bin") : null));
    }
    return this.spots.get(hash);
  }
  async light(hash) {
    const shard = this.bits ? hash >>> (32 - this.bits) : 0;
    return fromShard(await this.read("s/" + shard.toString(16) + ".bin"), shard * Math.pow(2, 32 - this.bits), hash);
  }
  /** Documents that may hold a folded term, and those whose title may; `plan`: pairs whose places can tell more. */
  async candidates(term) {
    const heavy = await this.frequent(), pairs = [], plan = [];
    for (let i = 0; i + 1 < term.length; i++) {
      const hash = Math.imul(term.charCodeAt(i) << 16 | term.charCodeAt(i + 1), HASH) >>> 0;
      if (!pairs.some((p) => p.hash === hash)) {
        const count = heavy.get(hash) || 0; // where a pair stands in most documents, it stands in each many times
        pairs.push({ hash, offset: i, count, cost: -Math.log(1 - Math.min(count / this.docs, 0.999)), asked: 0, no: 0 });
      }
    }
    let docs = null, titles, cost = 0;
    const add = async (some) => {
      for (const list of await Promise.all(some.map((p) => this.list(p)))) {
        docs = docs ? common(docs, list.docs) : list.docs;
        titles = titles ? common(titles, list.titles) : list.titles;
      }
      plan.push(...some);
    };
    const rare = pairs.filter((p) => !p.count), rest = pairs.filter((p) => p.count).sort((a, b) => a.count - b.count);
    if (rare.length) await add(rare.length > 1 ? [rare.shift(), rare.pop()] : [rare.shift()]);
    const sift = async () => {
      const fit = [];
      for (const id of docs) if (await this.fits(plan, id)) fit.push(id);
      docs = fit;
    };
    if (plan.length > 1) await sift();
    while (rare.length && docs.length > FEW) { await add([rare.shift()]); await sift(); }
    while (rest.length && (!docs || (docs.length > SPARSE && cost < LISTS))) {
      const next = rest.shift();
      cost += this.size(next.count);
      await add([next]);
    }
    plan.push(...rest);
    plan.docs = docs.length;
    return { docs, titles: common(titles, docs), plan: term.length > 2 ? plan : [] };
  }
  /** Bytes of a list of so many documents, about: one that holds all of them says nothing and costs nothing. */
  size(count) {
    const p = Math.min(count / this.docs, 1), q = 1 - p;
    return (this.docs / 8) * -(p * Math.log2(p) + (q > 0 ? q * Math.log2(q) : 0));
  }
  /** Whether a term may stand in a document: one whose pairs' places fit together, as far as modulo 128 can say. null:
   * it would cost too much to look now. Pairs that say no for few bytes are asked first. */
  async fits(plan, id) {
    let starts = null, left = plan.docs;
    plan.sort((a, b) => a.cost / refusing(a) - b.cost / refusing(b));
    for (const pair of plan) {
      const bytes = pair.count ? this.spot(pair.hash).bytes(id) : 0; // the file tells of other candidates too
      if (bytes / Math.max(1, (left * bytes) / (pair.cost * this.docs)) > LOOK * refusing(pair)) continue;
      left *= 1 - refusing(pair);
      const places = await this.places(pair, id);
      if (!places) return null;
      const own = places.map((p) => (p - pair.offset) & 127);
      starts = starts ? own.filter((p) => starts.indexOf(p) >= 0) : own;
      pair.asked++;
      if (!starts.length) { pair.no++; return false; }
    }
    return true;
  }
  async facts(id) {
    const block = await this.read("m/" + Math.floor(id / BLOCK).toString(16) + ".bin");
    if (!block.facts) block.facts = JSON.parse(text(block));
    return block.facts[id % BLOCK];
  }
  /** Column, kind and validity of each document, for facets. */
  async sorts() {
    const data = await this.read("f.bin"), n = this.docs;
    return { column: (id) => data[id] | data[n + id] << 8, kind: (id) => data[2 * n + id] & 15, validity: (id) => data[2 * n + id] >> 4 };
  }
  year(id) {
    let year = "";
    for (const [name, first] of this.years) if (first <= id) year = name;
    return year;
  }
}

// --- a search

function affords(files, bytes) {
  return files.spent + bytes <= files.limit - RESERVE;
}

/** `files`: read(path) → bytes of a file below /search/, page(url) → the text of a page's body. */
export async function open(files) {
  const names = await files.read("index.json"), manifest = JSON.parse(text(names));
  files.spent = names.length >> 2; // bytes, about
  files.limit = files.spent + BUDGET;
  const segments = manifest.segments.map((facts) => new Segment(facts, files));
  let table = null, asked = null;
  const variants = () => {
    asked = asked || files.read("variants.txt").then((data) => {
      files.spent += TABLE;
      const [left, right] = text(data).split("\n").map((line) => Array.from(line));
      return (table = new Map(left.map((c, i) => [c, right[i]])));
    });
    return asked;
  };
  const index = { manifest, segments, files, variants, table: () => table };
  index.search = (query, options) => search(index, query, options || {});
  return index;
}

async function search(index, query, options) {
  let asked = parse(query, index.table());
  let results = await candidates(index, asked, options);
  // No indexed text holds a Traditional character: a query in which one stands finds nothing until it is folded.
  if (!results.total && asked.terms.length && !index.table()) {
    const again = parse(query, await index.variants());
    if (again.phrase !== asked.phrase) { asked = again; results = await candidates(index, asked, options); }
  }
  return results;
}

async function candidates(index, asked, options) {
  const scope = options.scope || "now";
  const used = index.segments.filter((s) => scope === "all" || (s.archived ? "archive" : "now") === scope);
  const groups = [[], [], []], filters = options.filters || {};
  const exact = asked.terms.length === 1 && asked.terms[0].length === 2, plans = [];
  if (asked.terms.length) {
    for (const segment of used) {
      const each = [];
      for (const term of asked.terms) {
        each.push(await segment.candidates(term));
        if (!each[each.length - 1].docs.length) break;
      }
      let docs = each[0].docs, titles = each[0].titles, phrase = { docs: [], plan: [] };
      for (const other of each.slice(1)) { docs = common(docs, other.docs); titles = common(titles, other.titles); }
      if (asked.terms.length > 1 && docs.length > 1 && asked.phrase.length > 1) phrase = await segment.candidates(asked.phrase);
      plans[index.segments.indexOf(segment)] = [each, [phrase]];
      const keep = await filter(segment, filters), number = index.segments.indexOf(segment);
      [titles, common(docs, phrase.docs), docs].forEach((list, g) => {
        for (const id of list) if (!segment.gone.has(id) && keep(id)) groups[g].push({ number, id, key: segment.at ? segment.at[id] - 0.5 : id });
      });
    }
  }
  for (const group of groups) {
    group.sort((a, b) => (index.segments[a.number].archived ? 1 : 0) - (index.segments[b.number].archived ? 1 : 0) || a.key - b.key || a.id - b.id);
  }
  return new Results(index, asked, options.order === "date" ? [groups[2]] : groups, plans, exact);
}

async function filter(segment, filters) {
  const { year, column, site, kind, validity } = filters;
  if (!column && !site && !kind && !validity) return year ? (id) => segment.year(id) === year : () => true;
  const sorts = await segment.sorts();
  const columns = segment.columns.map((path, i) => (!column || path === column) && (!site || segment.sites[i] === site));
  return (id) => (!year || segment.year(id) === year) && columns[sorts.column(id)]
    && (!kind || segment.kinds[sorts.kind(id)] === kind) && (!validity || segment.validities[sorts.validity(id)] === validity);
}

const key = (c) => c.number + ":" + c.id;

/** The results of a query, some at a time. Every one that is given holds what was asked for. */
class Results {
  constructor(index, asked, groups, plans, exact) {
    this.index = index; this.asked = asked; this.plans = plans; this.exact = exact;
    this.queue = []; this.seen = new Set(); this.given = 0; this.refused = 0; this.looks = 0;
    groups.forEach((group, g) => group.forEach((c) => this.queue.push(Object.assign({ rank: g + 3 - groups.length }, c))));
    this.total = groups[groups.length - 1].length;
    this.all = groups[groups.length - 1];
    this.place = 0;
  }
  get done() { return this.place >= this.queue.length; }
  /** How many there are: `sure` when each was looked at, or the index alone can say. */
  get count() {
    const sure = this.exact || this.done, looked = this.given + this.refused;
    if (sure || !this.given) return { number: this.total - this.refused, sure };
    return { number: Math.max(this.given, Math.round((this.total * this.given) / looked)), sure };
  }
  async next(wanted = PAGE) {
    const hits = [], files = this.index.files;
    if (this.looks++) files.limit = files.spent + BUDGET;
    for (let going = true; going && hits.length < wanted && !this.done; ) {
      const batch = [];
      let table = 0;
      while (batch.length < wanted - hits.length && !this.done) {
        const c = this.queue[this.place];
        if (batch.length && batch[0].rank !== c.rank) break; // it may stand in both
        if (this.seen.has(key(c))) { this.place++; continue; }
        const fits = await this.fits(c);
        if (fits === null) { going = false; break; }
        if (fits) {
          const facts = await this.index.segments[c.number].facts(c.id), weight = 100 * facts[8];
          if (facts[9] && !this.index.table()) table = TABLE;
          going = files.spent + weight + table <= files.limit || (this.looks > 1 && !hits.length && !batch.length);
          if (!going) break;
          files.spent += weight;
          batch.push(c);
        } else if (c.rank !== 1) this.refuse(c);
        this.place++;
      }
      const looked = await Promise.all(batch.map((c) => this.look(c)));
      for (const hit of looked) {
        if (hit.ok) { this.seen.add(key(hit)); hits.push(hit); }
        else if (!hit.later) { this.refuse(hit); }
      }
    }
    this.given += hits.length;
    return hits;
  }
  refuse(c) { this.seen.add(key(c)); this.refused++; }
  async fits(c) {
    if (this.queue.length - this.place < FEW) return true;
    for (const term of this.plans[c.number][c.rank === 1 ? 1 : 0]) {
      const fits = await this.index.segments[c.number].fits(term.plan, c.id);
      if (!fits) return fits;
    }
    return true;
  }
  /** One candidate: the result, with `ok` when it holds what was asked for. */
  async look(c) {
    const segment = this.index.segments[c.number];
    const [title, url, date, column, kind, number, validity, source, , old] = await segment.facts(c.id);
    const hit = { number: c.number, id: c.id, title, url: "/" + url, date, column, kind, doc_number: number, validity, source, archived: !!segment.archived, ok: false, plain: false, later: c.rank < 2 };
    let body = null;
    const check = async (table) => {
      const parts = [title, number].map((part) => fold(part, table));
      if (c.rank === 0) {
        hit.ok = this.asked.terms.every((t) => parts.some((p) => p.text.indexOf(t) >= 0));
        if (!hit.ok) return;
      }
      if (body === null) body = await this.index.files.page(hit.url).catch(() => "");
      parts.push(fold(body, table));
      hit.plain = this.asked.terms.some((t) => parts.some((p) => p.text.indexOf(t) >= 0));
      const wanted = c.rank === 1 ? this.asked.terms.concat(this.asked.phrase) : this.asked.terms;
      hit.ok = hit.ok || this.exact || wanted.every((t) => parts.some((p) => p.text.indexOf(t) >= 0));
      hit.marks = marks(parts[0], this.asked);
      hit.snippet = snippet(body, parts[2], this.asked);
    };
    await check(this.index.table());
    if (!hit.plain && old && !this.index.table()) {
      hit.ok = false;
      await check(await this.index.variants());
    }
    return hit;
  }
}

/** [from, to) of what was asked for in a folded text, in the text as it was; rising, without overlap. */
function marks(folded, asked) {
  const found = [];
  for (const term of asked.terms) {
    for (let at = folded.text.indexOf(term); at >= 0 && found.length < 200; at = folded.text.indexOf(term, at + 1)) found.push([folded.at[at], folded.at[at + term.length - 1] + 1]);
  }
  found.sort((a, b) => a[0] - b[0]);
  const out = [];
  for (const mark of found) {
    const last = out[out.length - 1];
    if (last && mark[0] <= last[1]) last[1] = Math.max(last[1], mark[1]);
    else out.push(mark);
  }
  return out;
}

/** Pieces [text, marked] of about eighty characters around the first match. */
function snippet(body, folded, asked) {
  const all = marks(folded, asked), phrase = asked.terms.length > 1 ? folded.text.indexOf(asked.phrase) : -1;
  const first = phrase >= 0 ? folded.at[phrase] : all.length ? all[0][0] : 0;
  const from = Math.max(0, first - 24), to = Math.min(body.length, from + 96);
  const near = all.filter((m) => m[0] >= from && m[1] <= to).map((m) => [m[0] - from, m[1] - from]);
  return pieces((from ? "…" : "") + body.slice(from, to) + (to < body.length ? "…" : ""), near.map((m) => [m[0] + (from ? 1 : 0), m[1] + (from ? 1 : 0)]));
}

export function pieces(string, spans) {
  const out = [];
  let at = 0;
  for (const [from, to] of spans) {
    out.push([string.slice(at, from), false], [string.slice(from, to), true]);
    at = to;
  }
  out.push([string.slice(at), false]);
  return out.filter((piece) => piece[0]);
}

/** name → [value, count] for each facet, over all candidates of `results`. */
export async function facets(results) {
  const found = { year: new Map(), site: new Map(), column: new Map(), kind: new Map(), validity: new Map() };
  const add = (name, value) => value && found[name].set(value, (found[name].get(value) || 0) + 1);
  const sorts = await Promise.all(results.index.segments.map((s, i) => (results.all.some((c) => c.number === i) ? s.sorts() : null)));
  for (const c of results.all) {
    const s = results.index.segments[c.number], column = sorts[c.number].column(c.id);
    add("year", s.year(c.id));
    add("site", s.sites[column]);
    add("column", s.columns[column]);
    add("kind", s.kinds[sorts[c.number].kind(c.id)]);
    add("validity", s.validities[sorts[c.number].validity(c.id)]);
  }
  return found;
}

/** Titles and 文号 in which a query stands, newest first. */
export async function suggestions(index, query, count) {
  const results = await index.search(query), found = [];
  for (const c of results.queue.filter((one) => one.rank === 0).slice(0, 2 * count)) {
    const [title, , , , , number] = await index.segments[c.number].facts(c.id);
    const holds = (part) => results.asked.terms.every((t) => fold(part, index.table()).text.indexOf(t) >= 0);
    const said = holds(title) ? title : number && holds(number) ? number : "";
    if (said && found.indexOf(said) < 0) found.push(said);
    if (found.length === count) break;
  }
  return found;
}

// --- the page

const KINDS = { article: "信息", policy: "政策文件", interpretation: "政策解读", service: "办事服务", message: "互动答复", leader: "领导信息", page: "专页", copy: "归档网页" };
const SCOPES = [["now", "现行内容"], ["archive", "只看已歸檔"], ["all", "全部，含已歸檔"]];
const EAGER = 20000; // documents up to which the facets are counted without being asked for

const files = {
  async read(path) {
    const answer = await fetch("/search/" + path);
    if (!answer.ok) throw new Error(path);
    return new Uint8Array(await answer.arrayBuffer());
  },
  async page(url) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const body = page.querySelector(".gdz-page") || page.querySelector(".gov-body");
    if (!body) return "";
    body.querySelectorAll("script,style,template,noscript").forEach((e) => e.remove());
    return body.textContent.trim();
  },
};

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const key in attributes) if (attributes[key] !== null) element.setAttribute(key, attributes[key]);
  for (const child of children) if (child) element.append(child);
  return element;
}
const marked = (list) => list.map(([string, bold]) => (bold ? make("b", {}, string) : string));

function shown(hit, manifest) {
  const tags = [];
  if (hit.archived) tags.push(make("span", { class: "tag arch", lang: "zh-Hant" }, "已歸檔"));
  if (hit.validity) tags.push(make("span", { class: "tag " + (hit.validity === "有效" || hit.validity === "已修改" ? "blue" : "red") }, hit.validity === "有效" ? "现行有效" : hit.validity.length < 3 ? "已" + hit.validity : hit.validity));
  const about = [hit.kind === "copy" ? "归档网页" : manifest.columns[hit.column] || KINDS[hit.kind], hit.doc_number, hit.source, hit.date.slice(0, 10)];
  return make("li", { class: hit.archived ? "hit arch" : "hit" },
    make("h2", {}, make("a", { href: hit.url }, ...marked(pieces(hit.title, hit.marks || []))), ...tags),
    hit.snippet && hit.snippet.length ? make("p", { class: "x" }, ...marked(hit.snippet)) : null,
    make("p", { class: "about" }, ...about.filter(Boolean).map((one) => make("span", {}, one))));
}

function link(params, change, label, current, count) {
  const next = new URLSearchParams(params);
  for (const key in change) change[key] ? next.set(key, change[key]) : next.delete(key);
  return make("li", {}, make("a", { href: "?" + next, "aria-current": current ? "true" : null }, make("span", {}, label), count === undefined ? null : make("span", { class: "n" }, String(count))));
}

function group(title, items) {
  return make("section", {}, make("h3", {}, title), make("ul", {}, ...items));
}

async function counted(params, results) {
  const found = await facets(results), sure = results.count.sure, names = results.index.manifest, groups = [];
  const add = (title, name, label, order) => {
    const listed = Array.from(found[name]).sort(order || ((a, b) => b[1] - a[1])).slice(0, 20), chosen = params.get(name);
    if (!listed.length || (listed.length < 2 && !chosen)) return;
    const items = listed.map(([value, n]) => link(params, { [name]: value === chosen ? "" : value }, label(value), value === chosen, sure ? n : undefined)); // candidates are more than results
    if (chosen) items.unshift(link(params, { [name]: "" }, "不限", false));
    groups.push(group(title, items));
  };
  add("类型", "kind", (k) => KINDS[k] || k);
  add("年份", "year", (y) => y + "年", (a, b) => (a[0] < b[0] ? 1 : -1));
  add("单位", "site", (s) => names.sites[s] || s || names.sites[""]);
  add("栏目", "column", (c) => names.columns[c] || c);
  add("有效性", "validity", (v) => v);
  return groups;
}

async function start(root) {
  const params = new URLSearchParams(location.search), query = (params.get("q") || "").trim();
  const say = (words) => { root.querySelector("[data-say]").textContent = words; };
  document.querySelectorAll("input[name=q]").forEach((input) => { if (query) input.value = query; });
  root.querySelector("[data-help]").hidden = Boolean(query);
  root.classList.add(query ? "asked" : "idle"); // "asked" keeps the places of what comes later: nothing moves when it comes
  let opened = null;
  const index = () => (opened = opened || open(files));
  document.querySelectorAll("input[name=q]").forEach((input) => suggest(input, index));
  if (!query) return;
  document.title = query + " - " + document.title;
  say("正在查找……");
  try {
    await run(root, params, query, say, await index());
  } catch (error) {
    say("没有读到搜索数据，请稍后再试。");
    root.querySelector("[data-help]").hidden = false;
  }
}

async function run(root, params, query, say, index) {
  const filters = {};
  for (const name of ["year", "site", "column", "kind", "validity"]) if (params.get(name)) filters[name] = params.get(name);
  const scope = params.get("scope") || "now", order = params.get("order") || "rank";
  const docs = index.segments.reduce((n, s) => n + s.docs, 0), eager = Object.keys(filters).length || docs <= EAGER;
  if (eager) index.files.limit -= 1.5 * docs; // f.bin
  const results = await index.search(query, { scope, filters, order });
  const list = root.querySelector("[data-results]"), more = root.querySelector("[data-more]"), side = root.querySelector("[data-facets]");
  const nothing = (words) => {
    say(words);
    root.classList.replace("asked", "idle");
    root.querySelector("[data-help]").hidden = false;
  };
  if (!results.asked.terms.length) return nothing("请输入两个以上的字。");
  const step = async () => {
    more.hidden = true;
    const hits = await results.next();
    list.append(...hits.map((hit) => shown(hit, index.manifest)));
    const count = results.count;
    if (!results.given && results.done) nothing("没有找到“" + query + "”。可以换一个说法，或减少字数。");
    else if (!results.given) say("可能的结果约 " + count.number + " 条，看过的几条里还没有“" + query + "”");
    else say("“" + query + "”：找到" + (count.sure ? " " : "约 ") + count.number + " 条，已列出 " + results.given + " 条；" + (order === "date" ? "按时间排列" : "按相关度排列"));
    more.hidden = results.done;
    more.textContent = hits.length ? "显示更多" : "继续查找";
    return hits;
  };
  const scopes = index.segments.some((s) => s.archived) ? group("范围", SCOPES.map(([name, label]) => link(params, { scope: name === "now" ? "" : name }, label, name === scope))) : null;
  if (scopes) side.append(scopes);
  more.addEventListener("click", async () => {
    const hits = await step();
    const first = list.children[list.children.length - hits.length];
    if (hits.length && first) first.querySelector("a").focus();
  });
  await step();
  if (results.given || !results.done) root.querySelector("[data-order]").append(order === "date" ? make("a", { href: "?" + with_(params, "order", "") }, "按相关度排列") : make("a", { href: "?" + with_(params, "order", "date") }, "按时间排列"));
  const show = async () => side.append(...(await counted(params, results)));
  if (eager) await show();
  else {
    const button = make("button", { type: "button", class: "btn" }, "显示类型、年份、单位");
    button.addEventListener("click", () => { button.remove(); show(); });
    side.append(button);
  }
  const box = root.querySelector("[data-side]");
  box.hidden = !side.children.length;
  box.open = matchMedia("(min-width: 60em)").matches;
}

function with_(params, name, value) {
  const next = new URLSearchParams(params);
  value ? next.set(name, value) : next.delete(name);
  return next;
}

function suggest(input, index) {
  const list = make("datalist", { id: input.id + "-titles" });
  let timer = 0;
  input.after(list);
  input.setAttribute("list", list.id);
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const value = input.value.trim();
      if (value.length < 2) return;
      const found = await suggestions(await index(), value, 8).catch(() => []);
      if (value === input.value.trim()) list.replaceChildren(...found.map((title) => make("option", { value: title })));
    }, 250);
  });
}

if (typeof document !== "undefined") {
  const root = document.querySelector("[data-search]");
  if (root) start(root);
}

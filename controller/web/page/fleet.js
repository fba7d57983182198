// What is known of the fleet: the rows of the stream, who fits the filters, and in which order.

const FIELDS = ["namespace", "name", "ready", "reason", "headline", "managersReady", "managers", "jobs", "limit", "id", "tags", "host",
  "version", "expires", "created", "paused", "severity", "since"];
const TEXTS = ["namespace", "reason", "headline", "host", "version"];

export const FILTERS = ["namespace", "reason", "tag", "host"];

const soonest = (row) => row.expires ?? Infinity;
const byName = (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
const ORDERS = {
  worst: (a, b) => b.severity - a.severity,
  name: () => 0,
  jobs: (a, b) => (b.jobs ?? -1) - (a.jobs ?? -1),
  host: (a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : 0),
  token: (a, b) => (soonest(a) < soonest(b) ? -1 : soonest(a) > soonest(b) ? 1 : 0),
  age: (a, b) => (b.created ?? 0) - (a.created ?? 0),
};

export class Fleet {
  constructor() {
    this.forget();
    this.filter = { q: "", show: "", sort: "worst" };
  }

  forget() {
    this.rows = new Map();
    this.order = [];
    this.sorted = null;
    this.revision = 0;
    this.pending = new Set(); // keys whose rows would move, come or go if the order were made anew
  }

  // A connection has begun. full: all rows will come, and those that do not are gone.
  begin(full) {
    this.seen = full ? new Set() : null;
  }

  synced() {
    if (this.seen) for (const row of [...this.rows.values()]) if (!this.seen.has(row.key)) this.lose(row);
    this.seen = null;
  }

  // Rows of an event, whose texts are in its own dictionary. Returns those that are new or have changed.
  take({ strings = [], rows = [] }) {
    return rows.map((fields) => this.put(this.row(fields, strings)));
  }

  row(fields, strings) {
    const row = {};
    FIELDS.forEach((name, i) => (row[name] = fields[i] ?? null));
    for (const name of TEXTS) row[name] = typeof row[name] === "number" ? strings[row[name]] : row[name] ?? "";
    row.tags = strings[row.tags] ?? [];
    row.key = `${row.namespace}/${row.name}`;
    return row;
  }

  // The row keeps its identity, so whoever shows it sees what is new.
  put(fresh) {
    const row = this.rows.get(fresh.key);
    this.seen?.add(fresh.key);
    if (!row) {
      this.rows.set(fresh.key, fresh);
      this.pending.add(fresh.key);
      return fresh;
    }
    if (row.gone || ORDERS[this.filter.sort](row, fresh) || this.fits(row) !== this.fits(fresh)) this.pending.add(row.key);
    return Object.assign(row, fresh, { gone: false });
  }

  remove(keys) {
    for (const [namespace, name] of keys) {
      const row = this.rows.get(`${namespace}/${name}`);
      if (row) this.lose(row);
    }
  }

  lose(row) {
    row.gone = true;
    this.rows.delete(row.key);
    this.pending.add(row.key);
  }

  fits(row) {
    const { namespace, reason, tag, host, show } = this.filter;
    return (!namespace || row.namespace === namespace) && (!reason || row.reason === reason) && (!host || row.host === host) &&
      (!tag || row.tags.includes(tag)) && (!show || (show === "need" ? needs(row) : !!row.paused)) && this.found(row);
  }

  // Each word is somewhere in the row. Names are of small letters anyway.
  found(row) {
    if (this.asked !== this.filter.q) {
      this.asked = this.filter.q;
      this.words = this.asked.toLowerCase().split(/\s+/).filter(Boolean);
      this.known = this.words.map(() => new Map()); // of texts that many rows share
    }
    return this.words.every((word, i) => row.key.includes(word) || String(row.id) === word || this.has(i, word, row.reason) ||
      this.has(i, word, row.headline) || this.has(i, word, row.host) || this.has(i, word, row.version) ||
      row.tags.some((tag) => this.has(i, word, tag)));
  }

  has(i, word, text) {
    const known = this.known[i];
    if (!known.has(text)) known.set(text, text.toLowerCase().includes(word));
    return known.get(text);
  }

  // The order anew. All rows are sorted once, and then filtered, until something moves.
  sort() {
    const order = ORDERS[this.filter.sort];
    if (this.pending.size || this.sorted?.order !== order) {
      this.sorted = [...this.rows.values()].sort((a, b) => order(a, b) || byName(a, b));
      this.sorted.order = order;
    }
    this.asked = undefined;
    this.order = this.sorted.filter((row) => this.fits(row));
    this.pending.clear();
    return this.order;
  }

  // The order stays as it is; who is new comes last.
  extend() {
    const there = new Set(this.order.map((row) => row.key));
    for (const key of this.pending) {
      const row = this.rows.get(key);
      if (row && !there.has(key) && this.fits(row)) this.order.push(row);
    }
    this.order = this.order.map((row) => this.rows.get(row.key) ?? row);
    return this.order;
  }

  counts() {
    let need = 0, paused = 0;
    for (const row of this.rows.values()) {
      if (needs(row)) need++;
      if (row.paused) paused++;
    }
    return { all: this.rows.size, need, paused };
  }

  // What the rows have of a filter's field, with how often: the most frequent ones by name.
  facet(name, most = 500) {
    const counts = new Map();
    const count = (value) => value && counts.set(value, (counts.get(value) ?? 0) + 1);
    for (const row of this.rows.values()) name === "tag" ? row.tags.forEach(count) : count(row[name]);
    const all = [...counts].sort((a, b) => b[1] - a[1]).slice(0, most);
    return all.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  }
}

// What the severity of the stream says.
const KINDS = ["good", "quiet", "warn", "busy", "bad"];

export const needs = (row) => row.severity >= 4;

export function kind(row) {
  if (row.gone) return "gone";
  if (needs(row)) return "bad";
  return row.paused ? "paused" : KINDS[row.severity] ?? "quiet";
}

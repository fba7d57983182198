// A table of many rows, of which only those near the window are in the document; the page itself scrolls.
//
// Rows are fixed in height. One may be open: its panel is a row of any height below it. Whatever has the focus stays in the
// document, wherever the window is: what is left out between is a gap, a row as high as what it stands for.

const MOST = 80; // rows in the document, at most
const PAGE = 20; // rows that PageDown goes on

// Written when it differs: a window that moves by a row changes little.
function put(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

export class Table {
  // table: has a tbody. build() makes a row of the document; fill(tr, row) shows a row in it. moved(first, last, all): the window.
  constructor(table, { build, fill, panel, moved, under }) {
    Object.assign(this, { table, build, fill, panel, moved, under });
    this.body = table.tBodies[0];
    this.rows = [];
    this.edition = 0;
    this.places = new Map(); // of keys in rows
    this.shown = new Map(); // key → tr
    this.spare = [];
    this.gaps = [];
    this.current = null; // key of the one row that Tab stops at
    this.open = null; // key of the one row that is open
    this.panelHeight = 0;
    new ResizeObserver(() => this.measure()).observe(panel);
    addEventListener("scroll", () => this.render(), { passive: true });
    addEventListener("resize", () => this.later());
  }

  show(rows) {
    this.rows = rows;
    this.edition++; // whatever is in the document is looked at again
    this.places.clear();
    rows.forEach((row, i) => this.places.set(row.key, i));
    if (!this.places.has(this.current)) this.current = rows.length ? rows[0].key : null;
    this.table.setAttribute("aria-rowcount", rows.length + 1);
    this.render();
  }

  // Once a frame, however often it is asked for.
  later() {
    this.frame ||= requestAnimationFrame(() => this.render());
  }

  measure() {
    const height = this.panel.isConnected ? this.panel.offsetHeight : this.panelHeight;
    if (height === this.panelHeight) return;
    this.panelHeight = height;
    this.later();
  }

  height() {
    return parseFloat(getComputedStyle(this.table).getPropertyValue("--row")) *
      parseFloat(getComputedStyle(document.documentElement).fontSize);
  }

  openPlace() {
    return this.open === null ? -1 : this.places.get(this.open) ?? -1;
  }

  // From the top of the body to the top of row i.
  offset(i) {
    const open = this.openPlace();
    return i * this.rowHeight + (open >= 0 && i > open ? this.panelHeight : 0);
  }

  at(y) {
    const open = this.openPlace();
    let i = Math.floor(y / this.rowHeight);
    if (open >= 0 && i > open) i = Math.max(open, Math.floor((y - this.panelHeight) / this.rowHeight));
    return Math.min(Math.max(i, 0), this.rows.length - 1);
  }

  render() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.rowHeight = this.height();
    const top = -this.body.getBoundingClientRect().top;
    const first = this.at(top + this.under()), last = this.at(top + innerHeight - 1);
    const wanted = this.rows.length ? this.window(first, last) : [];
    this.place(wanted);
    this.moved(first, last, this.rows.length);
  }

  // The places of the rows that have to be in the document, in order.
  window(first, last) {
    const over = Math.max(0, Math.min(10, (MOST - 4 - (last - first)) >> 1));
    const from = Math.max(0, first - over), to = Math.min(this.rows.length - 1, last + over, from + MOST - 3);
    const wanted = [];
    for (let i = from; i <= to; i++) wanted.push(i);
    const focus = this.body.contains(document.activeElement);
    for (const key of new Set(focus ? [this.current, this.open] : [this.open])) {
      const i = this.places.get(key);
      if (i < from) wanted.unshift(i);
      if (i > to) wanted.push(i);
    }
    return wanted.sort((a, b) => a - b);
  }

  place(wanted) {
    const keys = new Set(wanted.map((i) => this.rows[i].key));
    for (const [key, tr] of this.shown) {
      if (keys.has(key)) continue;
      this.shown.delete(key);
      tr.classList.remove("flash");
      tr.remove();
      if (this.spare.length < MOST) this.spare.push(tr);
    }
    this.arrange(this.nodes(wanted));
  }

  nodes(wanted) {
    const nodes = [], gaps = [];
    let y = 0;
    const leave = (to) => {
      if (to > y) gaps.push(nodes[nodes.push(this.gap(gaps.length, to - y)) - 1]);
    };
    for (const i of wanted) {
      leave(this.offset(i));
      nodes.push(this.row(i));
      y = this.offset(i) + this.rowHeight;
      if (this.rows[i].key === this.open) {
        nodes.push(this.panel);
        y += this.panelHeight;
      }
    }
    const end = this.rows.length ? this.offset(this.rows.length - 1) + this.rowHeight : 0;
    leave(this.openPlace() === this.rows.length - 1 && this.rows.length ? end + this.panelHeight : end);
    return nodes;
  }

  gap(n, height) {
    if (!this.gaps[n]) {
      this.gaps[n] = document.createElement("tr");
      this.gaps[n].className = "gap";
      this.gaps[n].ariaHidden = "true";
      this.gaps[n].append(document.createElement("td"));
    }
    this.gaps[n].style.height = `${height}px`;
    return this.gaps[n];
  }

  row(i) {
    const row = this.rows[i];
    let tr = this.shown.get(row.key);
    if (!tr) {
      tr = this.spare.pop() ?? this.build();
      this.shown.set(row.key, tr);
    }
    tr.key = row.key;
    put(tr, "aria-rowindex", i + 2);
    put(tr.stop, "tabindex", row.key === this.current ? 0 : -1);
    put(tr.stop, "aria-expanded", row.key === this.open);
    tr.classList.toggle("open", row.key === this.open);
    if (tr.shows !== row || tr.edition !== this.edition) this.fill(tr, row);
    tr.shows = row;
    tr.edition = this.edition;
    return tr;
  }

  // What stays is not moved, so the focus is not lost.
  arrange(nodes) {
    const wanted = new Set(nodes);
    for (const node of [...this.body.children]) if (!wanted.has(node)) node.remove();
    const focused = document.activeElement;
    let at = this.body.firstChild;
    for (const node of nodes) {
      if (node === at) at = at.nextSibling;
      else this.body.insertBefore(node, at);
    }
    if (focused !== document.activeElement && this.body.contains(focused)) focused.focus({ preventScroll: true });
  }

  // The row of an element in the table.
  keyOf(element) {
    return element.closest?.("tbody > tr")?.key;
  }

  // The row goes to where it can be seen, and has the focus.
  focus(key) {
    if (!this.places.has(key)) return;
    this.current = key;
    this.reveal(this.places.get(key));
    this.render();
    if (!this.shown.has(key)) return;
    this.shown.get(key).stop.focus({ preventScroll: true });
  }

  reveal(i) {
    const body = this.body.getBoundingClientRect().top, y = body + this.offset(i), under = this.under();
    if (y < under) scrollBy({ top: y - under, behavior: "instant" });
    else if (y + this.rowHeight > innerHeight) scrollBy({ top: y + this.rowHeight - innerHeight + 4, behavior: "instant" });
  }

  // From outside of the table the first step is into it.
  step(by) {
    if (!this.rows.length) return;
    const outside = !this.body.contains(document.activeElement);
    const i = (this.places.get(this.current) ?? 0) + (outside && Math.abs(by) === 1 ? 0 : by);
    this.focus(this.rows[Math.min(Math.max(i, 0), this.rows.length - 1)].key);
  }

  // Keys of the table itself; true when it was one.
  key(name) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE, Home: -Infinity, End: Infinity };
    if (!(name in steps)) return false;
    this.step(steps[name]);
    return true;
  }
}

// The fleet page: where stream, rows, table, panel and keys meet.

import { FILTERS, Fleet, needs } from "./fleet.js";
import { Panel, copyText } from "./panel.js";
import { Stream } from "./stream.js";
import { Table } from "./table.js";
import { blanks, build, button, fill, plots } from "./view.js";
import { clock, el, many, number, setNow, span } from "./words.js";

const $ = (id) => document.getElementById(id);
const fleet = new Fleet();
const blank = $("blank"), say = $("say"), root = document.documentElement;

// ---------------------------------------------------------------------------------------------------------------------
// The table and the panel of the open row.

const panelRow = el("tr", "panel-row");
panelRow.setAttribute("role", "row");
const panelBox = el("div", "panel");
panelBox.setAttribute("role", "group");
const panelCell = el("td", "", panelBox);
panelCell.colSpan = 9;
panelCell.setAttribute("role", "gridcell");
panelRow.append(panelCell);
const panel = new Panel(panelRow);

const under = () => (getComputedStyle($("tools")).position === "sticky" ? $("tools").offsetHeight + $("fleet").tHead.offsetHeight : 0);

function moved(first, last, all) {
  const range = all ? `rows ${number(first + 1)}–${number(last + 1)} of ${number(all)}` : "";
  if ($("range").textContent !== range) $("range").textContent = range;
}

const table = new Table($("fleet"), { build, fill, panel: panelRow, moved, under });

// Nothing moves while somebody is at it: the focus is in the table, a row is open, or the page is scrolled.
const held = () => table.open !== null || table.body.contains(document.activeElement) || scrollY > 200;

function order(anew) {
  if (anew || !held()) fleet.sort();
  else fleet.extend();
  const n = fleet.pending.size;
  $("moved").hidden = !n;
  if (n) $("moved").textContent = `${number(n)} moved: press s`;
  blankOut();
  table.show(fleet.order);
}

// What has come in since the last frame is shown at once. While thousands come, not each frame.
let drawing = 0, drawn = 0, settled = false;
function draw() {
  drawing ||= setTimeout(() => requestAnimationFrame(() => {
    drawing = 0;
    const began = performance.now();
    order(!settled);
    if (synced && !settled) settle();
    counts();
    facets();
    drawn = Math.min(500, 10 * (performance.now() - began));
  }), synced ? Math.min(drawn, 100) : drawn);
}

// The first rows are all there.
function settle() {
  settled = true;
  if (table.places.has(table.open)) table.reveal(table.places.get(table.open));
  ask();
}

function counts() {
  const { all, need, paused } = fleet.counts();
  $("all").textContent = number(all);
  $("all-word").textContent = all === 1 ? "runner" : "runners";
  for (const [id, n, words] of [["need", need, need === 1 ? "needs somebody" : "need somebody"], ["paused", paused, "paused"]]) {
    $(id).hidden = !n && fleet.filter.show !== id;
    $(id).querySelector("span").textContent = `${number(n)} ${words}`;
  }
  document.title = need ? `(${number(need)}) GitLab runners` : "GitLab runners";
  if (synced) speak(`${many(all, "runner")}, ${number(need)} ${need === 1 ? "needs" : "need"} somebody, ${number(paused)} paused`);
}

// To those who listen: the last of what there is to say, each 10 s at most.
let spoken = "", wanted = "", speaking = 0, at = -Infinity;
function speak(words) {
  wanted = words;
  if (speaking || words === spoken) return;
  speaking = setTimeout(() => {
    speaking = 0;
    at = performance.now();
    if (wanted !== spoken) say.textContent = spoken = wanted;
  }, Math.max(500, at + 10e3 - performance.now()));
}

function flash(rows) {
  for (const row of rows) {
    const tr = table.shown.get(row.key);
    if (!tr) continue;
    tr.classList.add("flash");
    tr.addEventListener("animationend", () => tr.classList.remove("flash"), { once: true });
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// The open row.

let asked = 0, asking = null;

function open(key) {
  table.open = key;
  keep();
  if (key === null) {
    panelRow.remove();
    table.panelHeight = 0;
    return table.render();
  }
  panel.begin(key);
  table.render();
  table.measure();
  ask();
}

function toggle(key) {
  table.current = key;
  open(table.open === key ? null : key);
  table.focus(key);
}

// What the server keeps for 2 s is not asked for more often.
async function ask() {
  const key = table.open, row = fleet.rows.get(key);
  clearTimeout(asking);
  if (!row || document.hidden || !live) return;
  const wait = panel.key === key ? asked + 2000 - Date.now() : 0;
  if (wait > 0) return void (asking = setTimeout(ask, wait));
  asked = Date.now();
  panel.key = key;
  try {
    const query = new URLSearchParams({ namespace: row.namespace, name: row.name });
    const details = await (await stream.ask(`fleet/runner?${query}`)).json();
    if (table.open === key) panel.show(details);
  } catch (error) {
    if (table.open === key) panel.say(`Not seen: ${error.message}`);
  }
  table.measure();
  asking = setTimeout(ask, 10e3);
}

// ---------------------------------------------------------------------------------------------------------------------
// The stream.

let synced = false, live = false, hello = {}, next = 0;

const stream = new Stream({
  since: () => (synced ? fleet.revision : 0),
  state: connection,
  hello(body) {
    hello = body;
    setNow(body.now);
    if ("full" in body) fleet.begin(body.full);
    $("version").textContent = body.operator ? `Operator ${body.operator}.` : "";
    leader();
  },
  rows(body) {
    fleet.take(body);
    draw();
  },
  synced({ revision }) {
    fleet.revision = revision;
    fleet.synced();
    synced = true;
    draw();
  },
  change(body) {
    fleet.revision = body.revision;
    const rows = fleet.take(body);
    draw();
    requestAnimationFrame(() => flash(rows));
    if (rows.some((row) => row.key === table.open)) ask();
  },
  gone(body) {
    fleet.revision = body.revision;
    fleet.remove(body.keys);
    draw();
  },
  plots: (body) => plots($("plots"), body),
  anew: () => (synced = false),
});

function connection(name, detail) {
  live = name === "live";
  root.dataset.connection = name;
  if (name === "lost") next = detail.at;
  if (name === "lost" || name === "live") banner("lost", name === "lost" && lostWords(detail.error));
  if (name === "live" && table.open !== null && synced) ask();
  if (name === "refused") refused(detail);
  if (name === "live") problem = null;
  if (name === "lost") blankOut();
  tick();
}

let problem = null; // what stands in the place of the rows

function refused(error) {
  const had = stream.token;
  stream.token = "";
  fleet.forget();
  synced = settled = false;
  open(null);
  banner("lost", null);
  problem = error.status === 401 ? blanks.token(submit, had && error.message) : blanks.forbidden(error.body, submit);
  $("plots").hidden = true;
  counts();
  order(true);
}

function submit(token) {
  stream.token = token;
  problem = null;
  stream.start();
}

function lostWords(error) {
  const words = error.status || error.said ? error.message : "The operator does not answer";
  speak(`${words}. What is shown is as of ${clock(stream.last)}.`);
  return [el("span", "", el("b", "", words), synced ? ` · as of ${clock(stream.last)}` : "", " · again in ", el("span", "again", "…")),
    button("Try now", () => stream.start())];
}

function leader() {
  const words = ["This replica stands by", hello.holder ? `; ${hello.holder} leads` : "; nobody leads at the moment",
    ". What is shown is what it watches."];
  banner("standby", hello.leader === false && [el("span", "", ...words)]);
}

function banner(id, content) {
  const old = $(id);
  if (!content) return old?.remove();
  const node = el("p", `banner ${id}`, ...content);
  node.id = id;
  old ? old.replaceWith(node) : $("banners").append(node);
}

// Nobody looks.
function sleep() {
  live = false;
  stream.stop();
  if (root.dataset.connection !== "refused") root.dataset.connection = "asleep";
}

function tick() {
  const connection = root.dataset.connection;
  const words = { live: `live, ${span((Date.now() - stream.last) / 1e3)} ago`, connecting: "connecting…", lost: "lost", refused: "not let in" };
  $("live-word").textContent = words[connection] ?? "connecting…";
  const again = document.querySelector("#lost .again");
  if (again) again.textContent = connection === "connecting" ? "a moment…" : span(Math.max(0, next - Date.now()) / 1e3);
}

// ---------------------------------------------------------------------------------------------------------------------
// What is there where no rows are.

let shownBlank = null;

function blankOut() {
  const which = problem ?? (fleet.order.length ? null : !synced ? (live || !next ? "loading" : "lost") : fleet.rows.size ? "none" : "empty");
  $("fleet").hidden = !!which;
  blank.hidden = !which;
  if (which === shownBlank) return;
  shownBlank = which;
  if (which) blank.replaceChildren(...(Array.isArray(which) ? which : blanks[which](clear)));
  if (Array.isArray(which)) blank.querySelector("input")?.focus();
}

// ---------------------------------------------------------------------------------------------------------------------
// Search, filters and order; the address keeps them, behind its #, which is never sent.

function keep() {
  const state = new URLSearchParams();
  for (const [name, value] of Object.entries(fleet.filter)) if (value && !(name === "sort" && value === "worst")) state.set(name, value);
  if (table.open !== null) state.set("open", table.open);
  history.replaceState(null, "", `#${state}`);
}

function recall() {
  const state = new URLSearchParams(location.hash.slice(1));
  fleet.filter = { q: state.get("q") ?? "", show: state.get("show") ?? "", sort: state.get("sort") ?? "worst" };
  for (const name of FILTERS) fleet.filter[name] = state.get(name) ?? "";
  if (![...$("sort").options].some((option) => option.value === fleet.filter.sort)) fleet.filter.sort = "worst";
  $("q").value = fleet.filter.q;
  $("sort").value = fleet.filter.sort;
  $("need").ariaPressed = String(fleet.filter.show === "need");
  $("paused").ariaPressed = String(fleet.filter.show === "paused");
  facets(true);
  const key = state.get("open");
  if (key !== table.open) open(key);
}

function narrow(changes) {
  Object.assign(fleet.filter, changes);
  keep();
  $("clear").hidden = !filtered();
  order(true);
  speak(`${many(fleet.order.length, "runner fits", "runners fit")}`);
}

const filtered = () => !!(fleet.filter.q || fleet.filter.show || FILTERS.some((name) => fleet.filter[name]));

function clear() {
  table.open = null;
  history.replaceState(null, "", "#");
  recall();
  narrow({});
  $("q").focus();
}

// The choices of the filters; not of one that is just used, and each 2 s at most.
const TITLES = { namespace: "Namespace", reason: "Reason", tag: "Tag", host: "Host" };
let offered = -Infinity, offering = 0;
function facets(now) {
  const wait = offered + 2000 - performance.now();
  if (!now && wait > 0) return void (offering ||= setTimeout(facets, wait));
  offering = 0;
  offered = performance.now();
  for (const name of FILTERS) if (document.activeElement !== $(name) || now) offer(name, fleet.facet(name));
  $("clear").hidden = !filtered();
}

function offer(name, values) {
  const select = $(name), value = fleet.filter[name] ?? "";
  if (value && !values.some(([text]) => text === value)) values.unshift([value, 0]);
  const said = JSON.stringify(values);
  if (select.said !== said) {
    select.said = said;
    select.replaceChildren(new Option(TITLES[name], ""), ...values.map(([text, n]) => new Option(`${text} (${number(n)})`, text)));
  }
  select.value = value;
  select.classList.toggle("set", !!value);
}

// ---------------------------------------------------------------------------------------------------------------------
// Keys.

function nextInNeed() {
  const from = table.places.get(table.current) ?? -1, n = fleet.order.length;
  const start = table.body.contains(document.activeElement) ? from + 1 : 0;
  for (let i = 0; i < n; i++) {
    const row = fleet.order[(start + i) % n];
    if (needs(row)) return table.focus(row.key);
  }
}

function copy() {
  const key = table.open ?? table.current;
  if (!key) return;
  if (table.open === null) open(key);
  const code = panelBox.querySelector(".command code"), copyButton = panelBox.querySelector(".copy");
  if (code) copyText(panel.command, code, copyButton);
}

const letters = {
  "/": () => $("q").focus(),
  f: () => $("namespace").focus(),
  j: () => table.step(1),
  k: () => table.step(-1),
  n: nextInNeed,
  s: () => order(true),
  c: copy,
  "?": () => $("keys").showModal(),
};

const typing = (element) => element.matches("input:not([type=checkbox]), select, textarea");

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  const inTable = table.body.contains(event.target) || event.target === document.body || event.target === $("fleet");
  const inPanel = panelRow.contains(event.target);
  let done = true;
  if (event.key === "Escape") escape(event.target);
  else if (typing(event.target)) done = event.target === $("q") && event.key === "ArrowDown" && table.rows.length > 0 && !table.focus(table.current);
  else if (event.key.length === 1 && event.key !== " ") done = $("letters").checked && !!letters[event.key] && !letters[event.key]();
  else done = inTable && !inPanel && table.key(event.key);
  if (done) event.preventDefault();
}

function escape(target) {
  if (target === $("q") && $("q").value) return narrow({ q: ($("q").value = "") });
  const key = table.open;
  if (key === null) return target.blur?.();
  open(null);
  table.focus(key);
}

// ---------------------------------------------------------------------------------------------------------------------

function theme(value) {
  if (value) root.dataset.theme = value;
  const dark = value ? value === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  $("theme").ariaPressed = String(dark);
  return dark;
}

function remember(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(name);
    localStorage.setItem(name, value);
  } catch {
    return null; // a browser that keeps nothing
  }
}

function wire() {
  document.addEventListener("keydown", key);
  addEventListener("hashchange", () => (recall(), order(true)));
  table.body.addEventListener("click", (event) => {
    const key = table.keyOf(event.target);
    if (key && !getSelection().toString()) toggle(key);
  });
  table.body.addEventListener("focusin", (event) => {
    const key = table.keyOf(event.target);
    if (key && key !== table.current) table.current = key, table.later();
  });
  $("q").addEventListener("input", () => narrow({ q: $("q").value }));
  for (const name of [...FILTERS, "sort"]) $(name).addEventListener("change", () => (narrow({ [name]: $(name).value }), facets(true)));
  for (const name of ["need", "paused"]) $(name).addEventListener("click", () => show(name));
  $("tools").addEventListener("submit", (event) => event.preventDefault());
  $("clear").addEventListener("click", clear);
  $("moved").addEventListener("click", () => order(true));
  $("help").addEventListener("click", letters["?"]);
  $("keys").querySelector("form").addEventListener("submit", (event) => (event.preventDefault(), $("keys").close()));
  $("theme").addEventListener("click", () => remember("theme", theme(theme(root.dataset.theme) ? "light" : "dark") ? "dark" : "light"));
  $("letters").addEventListener("change", () => remember("letters", $("letters").checked ? "on" : "off"));
  document.addEventListener("visibilitychange", () => (document.hidden ? sleep() : root.dataset.connection !== "refused" && stream.start()));
  setInterval(tick, 1000);
  setInterval(() => table.show(fleet.order), 30e3); // ages
}

function show(name) {
  const value = fleet.filter.show === name ? "" : name;
  for (const id of ["need", "paused"]) $(id).ariaPressed = String(id === value);
  narrow({ show: value });
}

theme(remember("theme"));
$("letters").checked = remember("letters") !== "off";
const placed = new ResizeObserver(() => {
  root.style.setProperty("--under", `${$("tools").offsetHeight}px`);
  table.later();
});
for (const above of [document.querySelector("header"), $("banners"), $("tools")]) placed.observe(above);
wire();
recall();
blankOut();
if (!document.hidden) stream.start();

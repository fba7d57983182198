// How things look: a row of the table, the plots of the last hour, and what is there in the place of rows.

import { kind } from "./fleet.js";
import { ago, el, icon, many, number, now, span, svg, until } from "./words.js";

const TAGS = 29; // letters of them that are shown of a row; the others are a number
const WEEK = 7 * 86400;

const cell = (tr, cls, ...content) => {
  const td = el("td", cls, ...content);
  td.setAttribute("role", "gridcell");
  tr.append(td);
  return td;
};

// A text node that is written when it has changed.
const text = () => document.createTextNode("");
const set = (node, value) => node.data !== value && (node.data = value);
const title = (element, value) => element.title !== value && (element.title = value);

export function build() {
  const tr = el("tr");
  tr.setAttribute("role", "row");
  const t = (tr.texts = Object.fromEntries(["reason", "since", "headline", "ns", "name", "said", "jobs", "mgrs", "host", "version", "token", "age"]
    .map((name) => [name, text()])));
  tr.icon = icon("good");
  tr.load = el("progress");
  tr.load.ariaHidden = "true";
  tr.stop = el("button", "", el("span", "ns", t.ns), el("span", "nm", t.name), el("span", "sr", t.said));
  tr.stop.type = "button";
  tr.stop.tabIndex = -1;
  cell(tr, "status", tr.icon, el("b", "", t.reason), el("span", "since", t.since), el("span", "headline", t.headline));
  cell(tr, "name", tr.stop);
  cell(tr, "jobs", el("span", "", t.jobs), tr.load);
  cell(tr, "mgrs", t.mgrs);
  tr.tags = el("div");
  cell(tr, "tags", tr.tags);
  cell(tr, "host", t.host);
  cell(tr, "version", t.version);
  cell(tr, "token", t.token);
  cell(tr, "age", t.age);
  return tr;
}

export function fill(tr, row) {
  const t = tr.texts, k = kind(row);
  if (tr.kind !== k) {
    tr.kind = k;
    tr.dataset.kind = k;
    tr.icon.setAttribute("class", `icon ${k}`);
    tr.icon.firstChild.setAttribute("href", `#i-${k}`);
  }
  const [reason, headline] = status(row);
  set(t.reason, reason);
  set(t.since, row.severity >= 2 && row.since ? ago(row.since) : "");
  set(t.headline, headline);
  title(tr.cells[0], `${reason}: ${headline}`);
  set(t.ns, `${row.namespace}/`);
  set(t.name, row.name);
  set(t.said, `: ${reason}`);
  title(tr.stop, `${row.key}${row.id ? `, runner ${row.id} at GitLab` : ""}`);
  set(t.jobs, `${number(row.jobs)}/${row.limit ? number(row.limit) : "∞"}`);
  tr.load.hidden = !(row.limit && row.jobs);
  if (row.limit && row.jobs) Object.assign(tr.load, { max: row.limit, value: row.jobs });
  set(t.mgrs, `${number(row.managersReady)}/${number(row.managers)}`);
  tr.cells[3].classList.toggle("short", row.managersReady < row.managers);
  set(t.host, row.host);
  title(tr.cells[5], row.host);
  set(t.version, /\d+\.\d[\d.]*/.exec(row.version)?.[0] ?? (row.version || "?"));
  title(tr.cells[6], row.version);
  set(t.token, expiry(row.expires));
  tr.cells[7].classList.toggle("soon", !!row.expires && row.expires - now() < WEEK);
  set(t.age, row.created ? ago(row.created) : "?");
  tags(tr.tags, row.tags);
}

// A pause is said first, unless something is wrong besides.
function status(row) {
  if (row.gone) return ["Gone", "it was deleted"];
  const reason = row.reason || "?";
  if (!row.paused) return [reason, row.headline];
  const { until: end, by } = row.paused;
  const pause = [end && `for ${until(end)} more`, by && `by ${by}`].filter(Boolean).join(" ");
  return row.severity > 1 ? [reason, `paused ${pause}; ${row.headline}`] : ["Paused", pause || row.headline];
}

function expiry(at) {
  if (!at) return "–";
  return at > now() ? `${until(at)}${at - now() < WEEK ? " !" : ""}` : "ended !";
}

function tags(box, list) {
  const said = list.join("\n");
  if (box.said === said) return;
  box.said = said;
  box.title = list.join(", ");
  let room = TAGS;
  const n = Math.max(1, list.filter((tag) => (room -= tag.length + 3) >= 0).length);
  box.replaceChildren(...list.slice(0, n).map((tag) => el("span", "tag", tag)), list.length > n ? el("span", "more", `+${list.length - n}`) : "");
}

// ---------------------------------------------------------------------------------------------------------------------
// Plots: 60 points, with what matters of them in words.

const W = 120, H = 28;

function curve(values) {
  const known = values.filter((value) => value !== null);
  const top = Math.max(...known, 1e-9), step = W / Math.max(1, values.length - 1);
  const points = values.map((value, i) => `${(i * step).toFixed(1)},${(H - 2 - ((value ?? 0) / top) * (H - 4)).toFixed(1)}`);
  return svg("svg", { viewBox: `0 0 ${W} ${H}`, class: "plot", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("polygon", { points: `0,${H} ${points.join(" ")} ${W},${H}` }), svg("polyline", { points: points.join(" ") }));
}

function figure(cls, name, value, note, values) {
  return el("figure", cls, el("figcaption", "", el("span", "dim", name), el("b", "", value), el("span", "dim", note)),
    values.length > 1 ? curve(values) : "");
}

const last = (list) => list[list.length - 1];
const most = (values) => Math.max(...values, 0);

export function plots(section, { jobs = [], reconcile = [], hosts = [] }) {
  const n = jobs.map((point) => point[1]), p95 = reconcile.map((point) => point[1]);
  const figures = [];
  if (n.length) figures.push(figure("", "Jobs, last hour", number(last(n)), `at most ${number(most(n))}`, n));
  if (p95.length) figures.push(figure("", "Reconcile, p95", `${number(last(p95))} ms`, `at most ${number(most(p95))} ms`, p95));
  const sorted = [...hosts].sort((a, b) => closed(a) - closed(b) || calls(b) - calls(a)), room = innerWidth > 1500 ? 4 : 2;
  figures.push(...sorted.slice(0, room).map(hostFigure));
  if (sorted.length > room) figures.push(others(sorted.slice(room)));
  section.replaceChildren(...figures);
  section.hidden = !figures.length;
}

const closed = (host) => host.breaker === "closed";
const calls = (host) => last(host.calls_per_minute ?? []) ?? 0;

function others(hosts) {
  const broken = hosts.filter((host) => !closed(host)).length;
  const node = el("p", "dim others", `and ${many(hosts.length, "other host")}, ${broken ? `${number(broken)} of them not well` : "ok"}`);
  node.title = hosts.map(({ host }) => host).join(", ");
  return node;
}

function hostFigure(host) {
  const said = closed(host) ? "ok" : host.breaker === "open" ? `not called, again in ${span(host.retry_in ?? 0)}` : "trying again";
  const node = figure(closed(host) ? "host" : "host broken", host.host, `${number(calls(host))}/min`, said, host.calls_per_minute ?? []);
  node.querySelector("b").after(icon(closed(host) ? "good" : "bad"));
  return node;
}

// ---------------------------------------------------------------------------------------------------------------------
// Where there are no rows.

export function command(line) {
  return el("code", "block", line);
}

export function button(label, act) {
  const node = el("button", "primary", label);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

const FIRST = ["kubectl -n ci create secret generic my-gitlab --from-literal=access-token=glpat-…", "kubectl apply -f runner.yaml"];

export const blanks = {
  loading: () => [el("p", "dim", "Asking the operator for its runners…")],
  empty: () => [el("h2", "", "No runner yet"), el("p", "", "Two commands make the first one; the README has the file. It will appear here by itself."),
    ...FIRST.map(command)],
  none: (clear) => [el("h2", "", "No runner fits"), el("p", "", "None of those that you may see has what is searched and filtered for."),
    button("Clear search and filters", clear)],
  token: (submit, refused) => [el("h2", "", "Who are you?"),
    el("p", "", refused ? `The token was not taken: ${refused}` : "This page shows what your account may list. It wants a token of the cluster, and keeps it in the memory of this tab alone."),
    tokenForm(submit), el("p", "dim", "A command that makes one:"), command("kubectl create token NAME -n NAMESPACE --duration 1h")],
  forbidden: (body, submit) => [el("h2", "", "You may not look"),
    el("p", "", body.user ? `You are ${body.user}. ` : "", body.message ?? ""),
    body.need ? el("p", "", "What is missing: ", el("code", "", body.need)) : "",
    el("p", "dim", "Whoever manages rights in the cluster can grant it by a Role or ClusterRole. With another token:"), tokenForm(submit)],
  lost: () => [el("p", "dim", "There is nothing to show yet.")],
};

function tokenForm(submit) {
  const input = el("input");
  Object.assign(input, { type: "password", autocomplete: "off", spellcheck: false, required: true, name: "token" });
  const form = el("form", "ask", el("label", "", "Token", input), el("button", "primary", "Show"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(input.value.trim());
    input.value = "";
  });
  return form;
}

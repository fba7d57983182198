// The panel of the open row: what the operator says of one runner. All of it is text; nothing of it is markup.

import { ago, el, icon, many, since, span } from "./words.js";

const MARKS = { ok: "good", waits: "busy", STOP: "bad", would: "busy", "-": "none" }; // of runner/explain.h

export class Panel {
  constructor(tr) {
    this.tr = tr;
    this.box = tr.querySelector(".panel");
    this.parts = new Map(); // name → {node, said}
    this.note = el("p", "note");
  }

  // Another runner's: what was there of the last one goes.
  begin(label) {
    this.parts.clear();
    this.command = "";
    this.box.setAttribute("aria-label", label);
    this.say("Asking the operator…");
    this.box.replaceChildren(this.note);
  }

  // While there is nothing else, or beside what is there.
  say(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  // A part that says the same as before stays as it is, with its selection and its focus.
  show(details) {
    this.command = details.do?.command ?? "";
    details.why = details.conditions?.find(({ type }) => type === "Ready")?.message;
    details.rules &&= details.rules.map((one) => (one.why && one.why === details.why ? { ...one, why: "as above" } : one));
    details.conditions &&= eachOnce(details.conditions, details.why, details.do?.text);
    this.say("");
    const nodes = [];
    for (const [name, make] of Object.entries(PARTS)) {
      const value = details[name], said = JSON.stringify(value ?? null);
      let part = this.parts.get(name);
      if (part?.said !== said) this.parts.set(name, (part = { said, node: make(value) }));
      if (part.node) nodes.push(part.node);
    }
    const focus = this.box.contains(document.activeElement) && document.activeElement.dataset.id;
    if (nodes.length !== this.box.children.length - 1 || nodes.some((node, i) => node !== this.box.children[i])) {
      this.box.replaceChildren(...nodes, this.note);
      if (focus) this.box.querySelector(`[data-id="${focus}"]`)?.focus({ preventScroll: true });
    }
  }
}

const PARTS = {
  headline: (text) => text && el("p", "headline", text),
  why: (text) => text && el("p", "lead", text),
  do: (doing) => doing && (doing.text || doing.command) && doThis(doing),
  next: (next) => next?.text && el("p", "next", el("span", "dim", "Next: "), next.text, next.ms >= 1000 ? `, in ${span(next.ms / 1e3)}` : ""),
  rules,
  conditions: (list) => section("Conditions", list, "marks", condition),
  managers: (list) => section("Managers", list, "lines", manager, "No manager pod."),
  jobs: (list) => section("Jobs", list, "lines", job, "No job is running."),
  events: (list) => section("Events", list, "lines", event, "No Event in the last hour."),
  config: (text) => text && config(text),
};

function titled(title, ...content) {
  return el("section", title.toLowerCase().replace(" ", "-"), el("h2", "", title), ...content);
}

// null: it could not be seen. empty: what to say where there is nothing.
function section(title, list, cls, make, empty) {
  if (list === undefined) return null;
  if (list === null) return titled(title, el("p", "dim", "Not seen: the operator could not ask."));
  if (!list.length) return empty ? titled(title, el("p", "dim", empty)) : null;
  return titled(title, el("ul", cls, ...list.map(make)));
}

function doThis({ text, command }) {
  const node = titled("Do this", el("p", "", text ?? ""));
  if (!command) return node;
  const code = el("code", "", command);
  const copy = el("button", "copy", "copy");
  copy.dataset.id = "copy";
  copy.type = "button";
  copy.addEventListener("click", () => copyText(command, code, copy));
  node.append(el("div", "command", code, copy));
  return node;
}

// Outside of localhost and https there is no clipboard: then the text is selected.
export async function copyText(text, code, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "copied";
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = "selected";
  }
  setTimeout(() => (button.textContent = "copy"), 2000);
}

// Those that it stands at come first; of the others a number, which opens to them.
function rules(list) {
  if (!list) return null;
  const hold = list.filter(({ mark }) => mark === "ok"), left = list.filter(({ mark }) => mark === "-");
  const stands = list.filter((rule) => !hold.includes(rule) && !left.includes(rule));
  return titled("Rules", el("ul", "marks", ...stands.map(rule)), fold("good", many(hold.length, "rule holds", "rules hold"), hold),
    fold("none", many(left.length, "rule") + " not reached", left));
}

function fold(kind, words, list) {
  if (!list.length) return "";
  const summary = el("summary", "", icon(kind), ` ${words}`);
  summary.dataset.id = kind;
  return el("details", "", summary, el("ul", "marks", ...list.map(rule)));
}

function rule({ mark, name, says, why }) {
  const kind = MARKS[mark] ?? "none";
  if (kind === "good" || kind === "none") return el("li", kind, icon(kind, mark), el("span", "what", says || name));
  return el("li", kind, icon(kind, mark), el("span", "what", el("b", "", name), why ? el("span", "why", why) : ""));
}

// Of these it is bad to be true.
const ADVERSE = new Set(["Stalled", "Reconciling", "TokenExpiring", "VersionSkew"]);

// What several say is told once, and not if it was told above.
function eachOnce(conditions, ...told) {
  const said = new Set(told);
  const once = (text) => (text && !said.has(text) ? said.add(text) && text : "");
  return conditions.map((one) => ({ ...one, message: once(one.message), remedy: once(one.remedy) }));
}

function condition({ type, status, reason, message, remedy, since: at }) {
  const kind = status === "Unknown" ? "busy" : (status === "True") !== ADVERSE.has(type) ? "good" : type === "Reconciling" ? "busy" : "bad";
  return el("li", kind, icon(kind, status), el("span", "what",
    el("b", "", type), el("span", "dim", ` ${status}${reason ? `, ${reason}` : ""}${at ? `, for ${since(at)}` : ""}`),
    message ? el("span", "why", message) : "", remedy ? el("span", "remedy", remedy) : ""));
}

function manager({ pod, node, state, reason, jobs }) {
  return line(pod, [state, reason, node && `on ${node}`, jobs != null && `${jobs} job${jobs === 1 ? "" : "s"}`]);
}

function job({ id, project, stage, name, state, pod, node, since: at }) {
  return line(id != null ? `${id}` : "?", [project, stage, name, state, node && `on ${node}`, pod, at && since(at)]);
}

function event({ type, reason, message, count, last }) {
  const li = line(reason, [last && `${ago(last)} ago`, count > 1 && `${count} times`], message);
  if (type === "Warning") li.classList.add("warning");
  return li;
}

function line(head, facts, why) {
  const said = facts.filter((fact) => fact || fact === 0).join(" · ");
  return el("li", "", el("b", "", head ?? "?"), el("span", "dim", said), why ? el("span", "why", why) : "");
}

function config(text) {
  const pre = el("pre", "", text);
  pre.tabIndex = 0;
  pre.dataset.id = "config";
  pre.setAttribute("role", "region");
  pre.setAttribute("aria-label", "config.toml, tokens masked");
  return titled("Config", pre);
}


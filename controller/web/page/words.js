// Elements, and how times and numbers are said.

// An element with text and elements in it. Strings become text, never markup.
export function el(tag, cls, ...content) {
  const element = document.createElement(tag);
  if (cls) element.className = cls;
  element.append(...content);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes, ...content) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...content);
  return element;
}

// A shape of page.html; said in words where somebody only listens.
export function icon(kind, words) {
  const image = svg("svg", { class: `icon ${kind}`, viewBox: "0 0 16 16" }, svg("use", { href: `#i-${kind}` }));
  if (words) {
    image.setAttribute("role", "img");
    image.setAttribute("aria-label", words);
  } else {
    image.setAttribute("aria-hidden", "true");
  }
  return image;
}

const UNITS = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];

// Seconds as kubectl says them: 40d, 3h, 14m, 9s.
export function span(seconds) {
  for (const [unit, size] of UNITS) if (seconds >= 2 * size || size === 1) return `${Math.max(0, Math.floor(seconds / size))}${unit}`;
}

// The operator's clock, in seconds: the one on this machine may be wrong.
let offset = 0;
export const setNow = (seconds) => (offset = seconds - Date.now() / 1e3);
export const now = () => Date.now() / 1e3 + offset;

const seconds = (at) => (typeof at === "number" ? at : Date.parse(at) / 1e3);
export const ago = (at) => span(now() - seconds(at));
export const since = ago;
export const until = (at) => span(seconds(at) - now());
export const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB");
export const number = (n) => (n === null || n === undefined ? "?" : n.toLocaleString("en-US"));
export const many = (n, one, several = `${one}s`) => `${number(n)} ${n === 1 ? one : several}`;

// Live values of one model or several: bars, numbers, and lines over the last seconds.

import { html, svg } from "./dom.js";
import { facts } from "./facts.js";

export const HISTORY_DUR = 10;

/** Age in seconds from which on a value isn't the current one any more. */
export const OLD = 1;

/** Milliseconds from picture to picture for those who prefer reduced motion. */
const CALM = 500;

const isCalm = matchMedia("(prefers-reduced-motion: reduce)");

const within = (value) => Math.min(1, Math.max(0, value));

const meter = (name, role, label) => {
  const value = html("b", { "data-value": `${role}-${name}` }, "–");
  const fill = html("span");
  const attributes = {
    class: `adv-bar ${role}`,
    role: "meter",
    "aria-label": label === name ? name : `${name}, ${role}`,
    "aria-valuemin": 0,
    "aria-valuemax": 1,
    "aria-valuenow": 0,
    "aria-valuetext": "no value",
  };
  const text = html("span", {}, html("span", {}, label), value);
  return { name, role, text, value, fill, bar: html("div", attributes, fill), line: svg("polyline", { class: role }) };
};

const dimension = (name, meters) => {
  const middle = svg("path", { d: "M0 0H200M0 20H200M0 40H200", class: "middle" });
  const frame = { viewBox: "0 -1 200 42", preserveAspectRatio: "none", "aria-hidden": true };
  return html(
    "div",
    { class: "adv-dimension", role: "group", "aria-label": name },
    ...(meters.length > 1 ? [html("p", {}, name)] : []),
    ...meters.flatMap(({ text, bar }) => [text, bar]),
    svg("svg", frame, middle, ...meters.map(({ line }) => line)),
  );
};

export class Meters {
  #points;
  #meters = [];
  #now = 0;
  #drawn = -Infinity;
  #frame = null;

  constructor(roles) {
    this.#points = Object.fromEntries(roles.map((role) => [role, []]));
    const rows = facts.dimensions.map((name) => {
      const meters = roles.map((role) => meter(name, role, roles.length > 1 ? role : name));
      this.#meters.push(...meters);
      return dimension(name, meters);
    });
    this.element = html("div", { class: "adv-live" }, ...rows);
  }

  /** Adds values at a time, `{ time, arousal, dominance, valence }`, in place of later ones. */
  add(role, point) {
    const points = this.#points[role];
    while (points.at(-1)?.time >= point.time) points.pop();
    points.push(point);
  }

  /** Draws soon, and once for all calls until then; `now` is the time that is spoken. */
  draw(now) {
    this.#now = now;
    if (this.#frame !== null || (isCalm.matches && performance.now() - this.#drawn < CALM)) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = null;
      this.#drawn = performance.now();
      this.#meters.forEach((one) => this.#show(one));
    });
  }

  #show({ name, role, value, bar, fill, line }) {
    const points = this.#points[role];
    while (points.length > 1 && points[0].time < this.#now - HISTORY_DUR) points.shift();
    if (!points.length) return;
    const { time, [name]: number } = points.at(-1);
    const age = this.#now - time;
    const text = number.toFixed(2);
    const full = age < OLD ? text : `${text}, ${Math.floor(age)} s ago`;
    value.textContent = full;
    bar.setAttribute("aria-valuenow", within(number).toFixed(2));
    bar.setAttribute("aria-valuetext", full);
    bar.classList.toggle("adv-old", age >= OLD);
    fill.style.width = `${100 * within(number)}%`;
    const place = (point) => {
      const x = 200 - ((this.#now - point.time) * 200) / HISTORY_DUR;
      return `${x.toFixed(1)},${(40 * (1 - within(point[name]))).toFixed(1)}`;
    };
    line.setAttribute("points", points.map(place).join(" "));
  }
}

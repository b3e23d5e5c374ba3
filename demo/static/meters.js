// Live values: bars, numbers, and a line over the last seconds.

import { html, svg } from "./dom.js";
import { facts } from "./facts.js";

const HISTORY_DUR = 10;

const dimension = (name) => {
  const value = html("b", { "data-value": name }, "–");
  const fill = html("span");
  const bar = html(
    "div",
    {
      class: "adv-bar student",
      role: "meter",
      "aria-label": name,
      "aria-valuemin": 0,
      "aria-valuemax": 1,
      "aria-valuenow": 0,
    },
    fill,
  );
  const line = svg("polyline", { class: "student" });
  const middle = svg("path", { d: "M0 0H200M0 20H200M0 40H200", class: "middle" });
  const frame = { viewBox: "0 -1 200 42", preserveAspectRatio: "none", "aria-hidden": true };
  const row = html(
    "div",
    { class: "adv-dimension" },
    html("h2", {}, `${name} `, value),
    bar,
    svg("svg", frame, middle, line),
  );
  return { row, value, bar, fill, line };
};

/** Shows the moments of a stream in an element. */
export class Meters {
  #parts = Object.fromEntries(facts.dimensions.map((name) => [name, dimension(name)]));
  #status = html("p", { class: "adv-sentence" }, facts.statuses.waiting);
  #details = html("p", { class: "adv-quiet" });
  #points = [];
  #numUpdates = 0;
  #constantSince = null;
  #isDrawn = true;

  constructor(element) {
    this.element = element;
    const rows = Object.values(this.#parts).map((part) => part.row);
    const panel = html("div", { class: "adv adv-live" }, this.#status, ...rows, this.#details);
    element.replaceChildren(panel);
  }

  push({ moment, numLost, isConstant }) {
    this.#constantSince = isConstant ? (this.#constantSince ?? moment.time) : null;
    if (!Number.isNaN(moment.window.arousal)) {
      this.#numUpdates++;
      this.#points.push(moment);
      while (this.#points[0].time < moment.time - HISTORY_DUR) this.#points.shift();
    }
    Object.assign(this.element.dataset, {
      updates: this.#numUpdates,
      samples: moment.numSamples,
      lost: numLost,
    });
    this.#last = { moment, numLost };
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    requestAnimationFrame(() => this.#draw());
  }

  #last;

  #draw() {
    this.#isDrawn = true;
    const { moment, numLost } = this.#last;
    this.#status.textContent = this.#sentence(moment);
    for (const [name, { value, bar, fill, line }] of Object.entries(this.#parts)) {
      const number = moment.window[name];
      if (Number.isNaN(number)) continue;
      const share = Math.min(1, Math.max(0, number));
      value.textContent = number.toFixed(2);
      bar.setAttribute("aria-valuenow", share.toFixed(2));
      fill.style.width = `${100 * share}%`;
      line.setAttribute("points", this.#line(name, moment.time));
    }
    this.#details.textContent =
      `${moment.time.toFixed(1)} s processed, ${this.#numUpdates} values, ${numLost} samples ` +
      `lost. Values are those of the last 2 s; lines show the last ${HISTORY_DUR} s, 0…1.`;
  }

  #sentence(moment) {
    if (Number.isNaN(moment.window.arousal)) return facts.statuses.waiting;
    const isSilent = this.#constantSince !== null && moment.time - this.#constantSince >= 2;
    return isSilent ? facts.statuses.silent : "Listening.";
  }

  #line(name, now) {
    return this.#points
      .map(({ time, window }) => {
        const height = 40 * (1 - Math.min(1, Math.max(0, window[name])));
        return `${(200 - ((now - time) * 200) / HISTORY_DUR).toFixed(1)},${height.toFixed(1)}`;
      })
      .join(" ");
  }
}

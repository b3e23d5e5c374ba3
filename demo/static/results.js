// Results of a recording, in reading order.

import { html, table } from "./dom.js";
import { facts } from "./facts.js";
import { curves, envelope, file, plane } from "./figure.js";
import { model } from "./wav2small/index.js";
import { sentence } from "./words.js";

const { dimensions, limits } = facts;

const CURVES =
  "Waveform, and arousal, dominance and valence over time. " +
  `Each value is that of the ${limits.winDur} s around it.`;
const PLANE = "Where the recording lies (large mark), and its path over time.";
const COSTS =
  "What it costs. Latency: the warm model on the whole recording, in this browser. " +
  "Real-time factor: latency by duration.";

const notesList = (notes, { total, windows }) => {
  const values = [total, ...windows].flatMap((one) => dimensions.map((name) => one[name]));
  const isOutside = values.some((value) => value < 0 || value > 1);
  const all = isOutside ? [...notes, facts.notes.outside] : notes;
  return all.length ? [html("ul", { class: "adv-notes" }, ...all.map((note) => html("li", {}, note)))] : [];
};

const costs = ({ latency }, duration) => {
  const rows = {
    model: model.name,
    latency: `${(1000 * latency).toFixed(0)} ms`,
    "real-time factor": (latency / duration).toFixed(4),
    parameters: facts.model.parameters.toLocaleString("en"),
    "file size": facts.model.size,
    licence: facts.model.licence,
  };
  return table(["", "model"], Object.entries(rows), COSTS);
};

const COLUMNS = ["time", "start", "end", ...dimensions];

const csv = (windows) => {
  const lines = windows.map((one) => COLUMNS.map((name) => Number(one[name].toFixed(4))).join());
  return [COLUMNS.join(), ...lines, ""].join("\n");
};

let addresses = [];

const download = (label, name, content, type) => {
  const href = URL.createObjectURL(new Blob([content], { type }));
  addresses.push(href);
  return html("a", { href, download: name }, label);
};

const figure = (picture, caption) => html("figure", {}, picture, html("figcaption", {}, caption));

/** Shows results in an element, in place of earlier ones. */
export const show = (element, { result, notes, signal, rate }) => {
  const { total, windows } = result;
  const duration = signal.length / rate;
  const width = Math.max(280, Math.min(600, element.clientWidth));
  const lines = [{ role: "student", points: windows, total }];
  const pictures = {
    curves: curves({ lines, wave: envelope(signal, width), duration, width, label: CURVES }).picture,
    plane: plane({ lines, width: Math.min(460, width), label: PLANE }).picture,
  };
  clear(element);
  Object.assign(element.dataset, total);
  const rows = windows.map((one) => COLUMNS.map((name) => one[name].toFixed(2)));
  element.append(
    html(
      "div",
      { class: "adv" },
      html("p", { class: "adv-sentence" }, sentence(total)),
      ...notesList(notes, result),
      ...table(
        ["", "value"],
        dimensions.map((name) => [name, total[name].toFixed(2)]),
        "The whole recording, 0 (low) … 1 (high).",
      ),
      html("div", { class: "adv-pictures" }, figure(pictures.curves, CURVES), figure(pictures.plane, PLANE)),
      ...costs(result, duration),
      html(
        "details",
        {},
        html("summary", {}, `The curves as a table, ${rows.length} rows`),
        ...table(COLUMNS, rows, "Times in seconds; values of the window around each time."),
      ),
      html(
        "p",
        { class: "adv-downloads" },
        "Download: ",
        download("Windows (CSV)", "windows.csv", csv(windows), "text/csv"),
        download("Curves (SVG)", "curves.svg", file(pictures.curves), "image/svg+xml"),
        download("Plane (SVG)", "plane.svg", file(pictures.plane), "image/svg+xml"),
      ),
    ),
  );
};

/** Shows a sentence instead of results. */
export const message = (element, text, kind = "adv-message") => {
  clear(element);
  element.append(html("div", { class: "adv" }, html("p", { class: kind }, text)));
};

const clear = (element) => {
  addresses.forEach((address) => URL.revokeObjectURL(address));
  addresses = [];
  element.replaceChildren();
};

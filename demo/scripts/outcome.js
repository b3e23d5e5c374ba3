// What is kept of a session: its recording, the curves and the values.

import { html } from "./dom.js";
import { facts } from "./facts.js";
import { curves, envelope, file } from "./figure.js";
import { written } from "./wav.js";

const { limits } = facts;

const CAPTION =
  "Waveform, and arousal, dominance and valence over time: of the teacher (solid line) over " +
  `the ${limits.teacherDur} s before each time, of the student (dashed line) over the ${limits.winDur} s ` +
  "before it.";

const HEAD = ["time", "role", "model", ...facts.dimensions];

const csv = (points, models) => {
  const lines = Object.entries(points).flatMap(([role, list]) =>
    list.map(({ time, ...values }) =>
      [time, role, `"${models[role]}"`, ...facts.dimensions.map((name) => values[name].toFixed(4))].join(),
    ),
  );
  return `${[HEAD.join(), ...lines].join("\n")}\n`;
};

let addresses = [];

const address = (blob) => {
  addresses.push(URL.createObjectURL(blob));
  return addresses.at(-1);
};

/** Empties an element. */
export const clear = (element) => {
  element.querySelector("audio")?.removeAttribute("src");
  element.replaceChildren();
  addresses.forEach((one) => URL.revokeObjectURL(one));
  addresses = [];
};

/** Shows what is kept in an element. */
export const show = (element, { recording, sender }) => {
  clear(element);
  if (!recording.length) return;
  const { points, models } = sender;
  const samples = recording.from(0);
  const wav = address(written(samples, recording.rate));
  const files = { "Recording (WAV)": ["live.wav", wav] };
  element.append(html("audio", { controls: "", src: wav, "aria-label": "What you said" }));
  if (points.student.length) {
    // None if another tab was opened
    const width = Math.max(280, Math.min(600, element.clientWidth || 600));
    const lines = ["teacher", "student"].map((role) => ({ role, points: points[role] }));
    const wave = envelope(samples, width);
    const { picture } = curves({ lines, wave, duration: recording.duration, width, label: CAPTION });
    const table = address(new Blob([csv(points, models)], { type: "text/csv" }));
    files["Values (CSV)"] = ["live.csv", table];
    files["Curves (SVG)"] = ["live.svg", address(new Blob([file(picture)], { type: "image/svg+xml" }))];
    const figure = html("figure", {}, picture, html("figcaption", {}, CAPTION));
    element.append(html("div", { class: "adv-pictures" }, figure));
  }
  const link = ([label, [download, href]]) => [html("a", { download, href }, label), " "];
  const links = Object.entries(files).flatMap(link);
  element.append(html("p", { class: "adv-downloads" }, "Download: ", ...links));
};

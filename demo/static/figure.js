// Pictures of a recording: curves over time, and the arousal–valence plane, as SVG.

import { svg } from "./dom.js";
import { facts } from "./facts.js";

/** Room for labels beside the curves. */
export const LEFT = 62;
export const RIGHT = 12;

const GREY = "#808080";
const WAVE = 46;
const GAP = 14;

/** Colours on paper, by name of the property that has them on the page. */
const PAPER = { teacher: "#1b5e9b", student: "#b3450f", quiet: "#4b5563", page: "#ffffff" };

/** Places of the adjectives in the plane. */
const LEVELS = { low: 0.2, medium: 0.5, high: 0.8 };

const colour = (name) => `var(--adv-${name})`;
const text = (x, y, content, anchor = "middle", more = {}) =>
  svg("text", { x, y, "text-anchor": anchor, "font-size": 12, fill: "currentColor", ...more }, content);
const upright = (x, y, content) => text(x, y, content, "middle", { transform: `rotate(-90 ${x} ${y})` });
const frame = (x, y, width, height) => svg("rect", { x, y, width, height, fill: "none", stroke: GREY });
const grid = (d) => svg("path", { d, stroke: GREY, "stroke-opacity": 0.5 });
const picture = (width, height, label, ...parts) =>
  svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...parts);

/** Lowest and highest value of a dimension, at least 0…1. */
const range = (lines, name) => {
  const points = lines.flatMap(({ points, total }) => (total ? [...points, total] : points));
  const values = points.map((point) => point[name]).filter(Number.isFinite);
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [0, 1]);
};

/** Line through points; it ends where there is no value. */
const curve = (points, role, isDashed, more = {}) => {
  let isOn = false;
  const steps = points.map(([x, y]) => {
    const step = isOn ? "L" : "M";
    isOn = Number.isFinite(y);
    return isOn ? `${step}${x.toFixed(1)} ${y.toFixed(1)}` : "";
  });
  const dashes = isDashed ? { "stroke-dasharray": "6 3" } : {};
  const style = { class: `curve ${role}`, stroke: colour(role), "stroke-width": 1.75, fill: "none" };
  return svg("path", { d: steps.join(""), ...style, ...dashes, ...more });
};

/** Seconds from tick to tick, so that there are not too many. */
const tickDur = (duration, most) =>
  [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300].find((step) => duration / step <= most) ?? 600;

const clock = (time, step) => (step < 60 ? time.toFixed(step < 1 ? 1 : 0) : `${Math.round(time / 60)} min`);

/** Lowest and highest sample of each column of a waveform, in % of the largest. */
export const envelope = (signal, numColumns) => {
  const count = Math.min(signal.length, numColumns);
  const peak = signal.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1e-9);
  const columns = Array.from({ length: count }, (_, k) =>
    signal.subarray(Math.floor((k * signal.length) / count), Math.floor(((k + 1) * signal.length) / count)),
  );
  const each = (choose) => columns.map((part) => (100 * part.reduce((a, b) => choose(a, b))) / peak);
  return { low: each(Math.min), high: each(Math.max) };
};

const waveform = ({ low, high }, width) => {
  const point = (value, k) => [LEFT + (width * (k + 0.5)) / low.length, GAP + (WAVE / 2) * (1 - value / 100)];
  const points = [...high.map(point), ...low.map(point).reverse()];
  const d = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  return svg("polygon", { points: d, fill: GREY, stroke: GREY, "stroke-width": 0.5 });
};

/**
 * Waveform and A/D/V over time.
 *
 * Of several lines, `{ role, points: [{ time, arousal, dominance, valence }] }`, that of the
 * student is dashed. Gives the picture, its height, and the place of a time.
 */
export const curves = ({ lines, wave, duration, width, label, panel = 90 }) => {
  const inner = width - LEFT - RIGHT;
  const x = (time) => LEFT + (inner * time) / duration;
  const step = tickDur(duration, inner / 48);
  const times = Array.from({ length: Math.floor(duration / step + 1e-6) + 1 }, (_, k) => k * step);
  const parts = [upright(14, GAP + WAVE / 2, "signal"), waveform(wave, inner)];
  let top = GAP + WAVE;
  for (const name of facts.dimensions) {
    top += GAP;
    const [start, [low, high]] = [top, range(lines, name)];
    const y = (value) => start + (panel * (high - value)) / (high - low);
    const upwards = times.map((time) => `M${x(time)} ${start}v${panel}`).join("");
    const across = [0, 0.5, 1].map((value) => `M${LEFT} ${y(value)}h${inner}`).join("");
    const place = (point) => [x(point.time), point[name] === null ? NaN : y(point[name])];
    parts.push(
      upright(14, start + panel / 2, name),
      ...[0, 0.5, 1].map((value) => text(LEFT - 6, y(value) + 4, value, "end")),
      grid(across + upwards),
      ...lines.map(({ role, points }) => curve(points.map(place), role, lines.length > 1 && role === "student")),
    );
    top += panel;
  }
  parts.push(
    ...times.map((time) => text(x(time), top + 17, clock(time, step))),
    text(LEFT + inner / 2, top + 33, step < 60 ? "time / s" : "time"),
  );
  return { picture: picture(width, top + 38, label, ...parts), height: top, x, inner };
};

/**
 * Where a recording lies, and its path over time, among adjectives.
 *
 * Lines are those of `curves`, with the values of the whole recording as `total`. Gives the
 * picture, and the place of values.
 */
export const plane = ({ lines, width, label }) => {
  const [left, bottom] = [24, 24];
  const size = width - left - 6;
  const [least, most] = range(lines, "valence");
  const [low, high] = range(lines, "arousal");
  const x = (value) => left + (size * (value - least)) / (most - least);
  const y = (value) => 4 + (size * (high - value)) / (high - low);
  const words = Object.entries(facts.adjectives).flatMap(([up, row]) =>
    Object.entries(row).map(([across, word]) =>
      text(x(LEVELS[across]), y(LEVELS[up]) + 4, word, "middle", {
        class: "word", fill: colour("quiet"), "font-style": "italic",
      }),
    ),
  );
  const parts = lines.flatMap(({ role, points, total }) => {
    const places = points.map(({ valence, arousal }) => [x(valence), arousal === null ? NaN : y(arousal)]);
    const style = { class: `mark ${role}`, fill: colour(role), stroke: colour("page"), "stroke-width": 2 };
    const [cx, cy] = [x(total.valence), y(total.arousal)];
    const mark = { teacher: ["circle", { cx, cy, r: 7 }], student: ["rect", { x: cx - 6, y: cy - 6, width: 12, height: 12 }] };
    const [shape, where] = mark[role];
    const opacity = Math.min(0.6, 30 / points.length);
    const path = curve(places, role, lines.length > 1 && role === "student", { "stroke-width": 1, "stroke-opacity": opacity });
    return [path, svg(shape, { ...where, ...style })];
  });
  const made = picture(
    width,
    size + bottom + 4,
    label,
    frame(left, 4, size, size),
    grid(`M${left} ${y(0.5)}h${size}M${x(0.5)} 4v${size}`),
    text(left + size / 2, size + 20, "valence: negative to positive"),
    upright(14, 4 + size / 2, "arousal: calm to excited"),
    ...[0, 1].map((value) => text(x(value), size + 20, value)),
    ...[0, 1].map((value) => text(left - 4, y(value) + (value ? 10 : 0), value, "end")),
    ...words,
    ...parts,
  );
  return { picture: made, x, y };
};

/** A picture as a file, in the colours of paper. */
export const file = (picture) => {
  const copy = picture.cloneNode(true);
  const [, , width, height] = copy.getAttribute("viewBox").split(" ");
  for (const [name, value] of Object.entries({ width, height, color: "#000000", "font-family": "sans-serif" })) {
    copy.setAttribute(name, value);
  }
  let content = new XMLSerializer().serializeToString(copy);
  for (const [name, value] of Object.entries(PAPER)) content = content.replaceAll(colour(name), value);
  return content;
};

// Pictures of a recording: curves over time, and the arousal–valence plane, as SVG.

import { svg } from "./dom.js";
import { facts } from "./facts.js";

const COLOUR = "var(--adv-student)";
const TEACHER = "var(--adv-teacher)";
const GREY = "#808080";
const TICKS = [0, 0.5, 1];
const LEFT = 62;
const RIGHT = 12;
const WAVE = 50;
const PANEL = 96;
const GAP = 14;

/** Lowest and highest value, at least 0…1. */
const range = (rows, name) => {
  const values = rows.map((row) => row[name]).filter(Number.isFinite);
  return [Math.min(0, ...values), Math.max(1, ...values)];
};
const text = (x, y, content, anchor, more = {}) =>
  svg("text", { x, y, "text-anchor": anchor, "font-size": 13, ...more }, content);
const frame = (x, y, width, height) =>
  svg("rect", { x, y, width, height, fill: "none", stroke: "currentColor" });
const grid = (d) => svg("path", { d, stroke: GREY, "stroke-opacity": 0.4 });
const picture = (width, height, label, ...parts) =>
  svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...parts);
const upright = (y, name) => text(14, y, name, "middle", { transform: `rotate(-90 14 ${y})` });

/** Distance of ticks in seconds, so that there are ten at most. */
const tickDur = (duration, most) =>
  [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300].find((step) => duration / step <= most) ?? 600;

const waveform = (signal, x, width) => {
  const columns = Math.round(width);
  const peak = signal.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1e-9);
  const lows = [];
  const highs = [];
  for (let c = 0; c < columns; c++) {
    const first = Math.floor((c * signal.length) / columns);
    const last = Math.max(first + 1, Math.floor(((c + 1) * signal.length) / columns));
    let [low, high] = [0, 0];
    for (let i = first; i < last; i++) {
      low = Math.min(low, signal[i]);
      high = Math.max(high, signal[i]);
    }
    const y = (value) => (GAP + (WAVE / 2) * (1 - value / peak)).toFixed(1);
    highs.push(`${x + c},${y(high)}`);
    lows.unshift(`${x + c},${y(low)}`);
  }
  return svg("polygon", { points: [...highs, ...lows].join(" "), fill: GREY });
};

/** Waveform and A/D/V over time; beside those of a teacher, lines are dashed. */
export const curves = (windows, signal, duration, width, label, teacher = []) => {
  const inner = width - LEFT - RIGHT;
  const x = (time) => LEFT + (inner * time) / duration;
  const parts = [upright(GAP + WAVE / 2, "signal"), waveform(signal, LEFT, inner), frame(LEFT, GAP, inner, WAVE)];
  const step = tickDur(duration, inner / 50);
  const times = Array.from({ length: Math.floor(duration / step + 1e-6) + 1 }, (_, k) => k * step);
  let top = GAP + WAVE;
  for (const name of facts.dimensions) {
    top += GAP;
    const [low, high] = range([...windows, ...teacher], name);
    const y = (value) => top + (PANEL * (high - value)) / (high - low);
    const line = (list, stroke, more = {}) => {
      const points = list.map((w) => `${x(w.time).toFixed(1)},${y(w[name]).toFixed(1)}`).join(" ");
      return svg("polyline", { points, fill: "none", stroke, "stroke-width": 2, ...more });
    };
    const lines = times.map((time) => `M${x(time)} ${top}v${PANEL}`).join("");
    parts.push(
      upright(top + PANEL / 2, name),
      ...TICKS.map((tick) => text(LEFT - 6, y(tick) + 4.5, tick.toFixed(1), "end")),
      grid(`M${LEFT} ${y(0.5)}h${inner}${lines}`),
      frame(LEFT, top, inner, PANEL),
      ...(teacher.length ? [line(teacher, TEACHER)] : []),
      line(windows, COLOUR, teacher.length ? { "stroke-dasharray": "6 3" } : {}),
    );
    top += PANEL;
  }
  const digits = step < 1 ? 1 : 0;
  parts.push(
    ...times.map((time) => text(x(time), top + 18, time.toFixed(digits), "middle")),
    text(LEFT + inner / 2, top + 38, "time / s", "middle"),
  );
  return picture(width, top + 46, label, ...parts);
};

/** Where a recording lies, and its path over time; later points are larger. */
export const plane = (windows, total, width, label) => {
  const size = width - LEFT - RIGHT;
  const [left, right] = range([total, ...windows], "valence");
  const [low, high] = range([total, ...windows], "arousal");
  const across = (value) => LEFT + (size * (value - left)) / (right - left);
  const up = (value) => GAP + (size * (high - value)) / (high - low);
  const x = (values) => across(values.valence);
  const y = (values) => up(values.arousal);
  const middle = { fill: COLOUR, "fill-opacity": 0.5 };
  const path = windows.map((w) => `${x(w).toFixed(1)},${y(w).toFixed(1)}`).join(" ");
  const radius = (k) => 1.2 + (1.8 * k) / windows.length;
  return picture(
    width,
    size + GAP + 46,
    label,
    grid(`M${LEFT} ${up(0.5)}h${size}M${across(0.5)} ${GAP}v${size}`),
    frame(LEFT, GAP, size, size),
    svg("polyline", { points: path, fill: "none", stroke: COLOUR, "stroke-width": 1.4 }),
    ...windows.map((w, k) => svg("circle", { cx: x(w), cy: y(w), r: radius(k), ...middle })),
    svg("circle", { cx: x(total), cy: y(total), r: 8, fill: COLOUR, stroke: "var(--adv-page)", "stroke-width": 1.5 }),
    upright(GAP + size / 2, "arousal"),
    ...TICKS.map((tick) => text(LEFT - 6, up(tick) + 4.5, tick.toFixed(1), "end")),
    ...TICKS.map((tick) => text(across(tick), GAP + size + 18, tick.toFixed(1), "middle")),
    text(LEFT + size / 2, GAP + size + 38, "valence", "middle"),
  );
};

/** A picture as a file, in the colours of paper. */
export const file = (picture) => {
  const copy = picture.cloneNode(true);
  const [, , width, height] = copy.getAttribute("viewBox").split(" ");
  for (const [name, value] of Object.entries({ width, height, color: "#000000", "font-family": "sans-serif" })) {
    copy.setAttribute(name, value);
  }
  return new XMLSerializer()
    .serializeToString(copy)
    .replaceAll(COLOUR, "#b3450f")
    .replaceAll(TEACHER, "#1b5e9b")
    .replaceAll("var(--adv-page)", "#ffffff");
};

// Curves and plane of a recording: values under the pointer, playback, selection.

import { html, svg } from "./dom.js";
import { facts } from "./facts.js";
import { LEFT, curves, plane } from "./figure.js";
import { short } from "./words.js";

const HINT = "Point at the curves to read values, click to play from there, drag to select a part.";
const MUTE = "This browser can't play this format. Values are shown all the same.";
const CURVES = "Waveform, and arousal, dominance and valence over time: position";
const PLANE = "Arousal and valence: where the recording lies (large marks), and its path over time.";

/** Pixels that a pointer may move in a click. */
const STILL = 5;

const nameOf = (role) => (role === "teacher" ? "large model" : "small model");
const hidden = { visibility: "hidden" };

/** Lines of the models, as they are drawn. */
const linesOf = ({ totals, windows }) =>
  Object.entries(totals).map(([role, total]) => {
    const valuesOf = (row) => Object.fromEntries(facts.dimensions.map((name) => [name, row[`${role}_${name}`]]));
    return { role, total, points: windows.map((row) => ({ time: row.time, ...valuesOf(row) })) };
  });

/** Makes the pictures of one result; gives its player. */
const explore = (holder, place, trigger) => {
  const data = JSON.parse(holder.dataset.recording);
  const last = data.duration;
  const lines = linesOf(data);
  const audio = html("audio", { controls: "", preload: "metadata", src: data.source, "aria-label": "The recording" });
  const readout = html("p", { class: "adv-readout" }, HINT);
  const legend = html("p", { class: "adv-legend" }, ...lines.map(({ role }) => html("span", { class: role }, nameOf(role))));
  legend.hidden = lines.length === 1;
  audio.onerror = () => {
    audio.hidden = true;
    readout.textContent = MUTE;
  };
  let drawn = null, selected = null, from = null;

  const within = (time) => Math.min(last, Math.max(0, time));
  const nearest = (time) => {
    const distances = data.windows.map((row) => Math.abs(row.time - time));
    return distances.indexOf(Math.min(...distances));
  };
  const described = (time) => {
    const values = (point) => facts.dimensions.map((name) => `${name} ${short(point[name])}`).join(", ");
    const said = lines.map(({ role, points }) => `${nameOf(role)}: ${values(points[nearest(time)])}`);
    return `${time.toFixed(1)} s; ${said.join("; ")}.`;
  };
  const read = (time) => {
    const { valence, arousal } = lines[0].points[nearest(time)];
    readout.textContent = described(time);
    const { dot, x, y } = drawn.plane;
    dot.setAttribute("visibility", valence === null ? "hidden" : "visible");
    dot.setAttribute("transform", `translate(${x(valence)} ${y(arousal)})`);
  };
  const placed = (mark, time) => mark.setAttribute("transform", `translate(${drawn.x(time)} 0)`);
  const select = (a, b) => {
    selected = [Math.min(a, b), Math.max(a, b)];
    const [start, end] = selected.map(drawn.x);
    drawn.selection.setAttribute("x", start);
    drawn.selection.setAttribute("width", end - start);
  };
  const choose = () => trigger("select", { start: selected[0], end: selected[1] });
  const show = () => {
    placed(drawn.playhead, audio.currentTime);
    drawn.picture.setAttribute("aria-valuenow", audio.currentTime.toFixed(2));
    drawn.picture.setAttribute("aria-valuetext", described(audio.currentTime));
  };
  const follow = () => {
    show();
    read(audio.currentTime);
    if (!audio.paused) requestAnimationFrame(follow);
  };
  const seek = (time) => {
    audio.currentTime = within(time);
    show();
    read(audio.currentTime);
  };
  const play = (time) => {
    seek(time);
    audio.play().catch(() => {});
  };
  audio.onplay = follow;
  audio.onseeked = show;

  const listen = ({ picture, pointer, inner }) => {
    const at = ({ clientX }) => within(((clientX - picture.getBoundingClientRect().left - LEFT) / inner) * last);
    const isDrag = (time) => from !== null && Math.abs(drawn.x(time) - drawn.x(from)) > STILL;
    picture.onpointerdown = (event) => {
      from = at(event);
      picture.setPointerCapture(event.pointerId);
    };
    picture.onpointermove = (event) => {
      const time = at(event);
      placed(pointer, time);
      pointer.setAttribute("visibility", "visible");
      read(time);
      if (isDrag(time)) select(from, time);
    };
    picture.onpointerup = (event) => {
      if (isDrag(at(event))) choose();
      else play(at(event));
      from = null;
    };
    picture.onpointercancel = () => (from = null);
    picture.onpointerleave = () => pointer.setAttribute("visibility", "hidden");
    picture.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
      const time = audio.currentTime;
      if (step) {
        const next = within(time + step * Math.max(0.1, last / 100));
        if (event.shiftKey) select(selected && time === selected[1] ? selected[0] : time, next);
        seek(next);
      } else if (event.key === " ") audio.paused ? audio.play() : audio.pause();
      else if (event.key === "Enter" && selected) choose();
      else return;
      event.preventDefault();
    };
  };

  const draw = () => {
    const width = Math.max(300, Math.floor(holder.clientWidth));
    if (drawn?.width === width) return;
    const made = curves({ lines, wave: data.wave, duration: last, width, label: CURVES, panel: 58 });
    const { picture, height } = made;
    const selection = svg("rect", { class: "selection", y: 0, height, width: 0 });
    const playhead = svg("path", { class: "playhead", d: `M0 0V${height}` });
    const pointer = svg("path", { class: "pointer", d: `M0 0V${height}`, ...hidden });
    picture.prepend(selection);
    picture.append(playhead, pointer);
    const slider = { class: "curves", width, tabindex: 0, role: "slider", "aria-valuemin": 0, "aria-valuemax": last.toFixed(2) };
    for (const [name, value] of Object.entries(slider)) picture.setAttribute(name, value);
    const size = Math.min(300, place.clientWidth || 300);
    const square = plane({ lines, width: size, label: PLANE });
    square.picture.setAttribute("width", size);
    const dot = svg("circle", { r: 4, class: "dot", ...hidden });
    square.picture.append(dot);
    place.replaceChildren(square.picture);
    if (drawn) drawn.picture.replaceWith(picture);
    else holder.append(legend, picture, readout, audio);
    drawn = { ...made, width, selection, playhead, pointer, plane: { ...square, dot } };
    listen(drawn);
    show();
    if (selected) select(...selected);
  };
  new ResizeObserver(draw).observe(holder);
  draw();
  document.querySelector("#segments").onclick = ({ target }) => {
    const button = target.closest("button");
    if (button) play(Number(button.dataset.time));
  };
  return audio;
};

/** Explores each result that comes to stand in an element; it is said in one sentence. */
export const open = (element, watch, trigger) => {
  const spoken = html("p", { class: "adv-spoken", role: "status" });
  element.after(spoken);
  let audio = null;
  const update = () => {
    audio?.pause();
    spoken.textContent = element.querySelector(".adv-sentence, .adv-message")?.textContent ?? "";
    const holder = element.querySelector("[data-recording]");
    audio = holder && explore(holder, element.querySelector(".adv-plane"), trigger);
  };
  watch("value", update);
  update();
};

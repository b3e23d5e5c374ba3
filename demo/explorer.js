// Curves and plane of a recording: values under the pointer, playback, selection.
const NAMES = ["arousal", "dominance", "valence"];
const [LEFT, RIGHT, WAVE, PANEL, GAP] = [72, 10, 40, 58, 16];
const GREY = "#808080";

const short = (value) =>
  value === null ? "–" : value.toFixed(2).replace(/^(-?)0\./, "$1.").replace("-", "−");
const nameOf = (role) => (role === "teacher" ? "large model" : "small model");
const line = (x, y, dx, dy) => `M${x} ${y}l${dx} ${dy}`;

function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
const text = (x, y, content, anchor = "middle", more = {}) =>
  svg("text", { x, y, "text-anchor": anchor, "font-size": 12, ...more }, content);

/** Distance of ticks in seconds, so that there is room for their labels. */
const tickDur = (duration, most) =>
  [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300].find((step) => duration / step <= most) ?? 600;

const clock = (time, step) => {
  if (step >= 60) return `${Math.round(time / 60)} min`;
  return time.toFixed(step < 1 ? 1 : 0);
};

/** Points of a line; it ends where there is no value. */
function path(points) {
  let isOn = false;
  return points
    .map(([x, y]) => {
      const step = isOn ? "L" : "M";
      isOn = y !== null;
      return isOn ? `${step}${x.toFixed(1)} ${y.toFixed(1)}` : "";
    })
    .join("");
}

function curves(data, width) {
  const inner = width - LEFT - RIGHT;
  const x = (time) => LEFT + (inner * time) / data.duration;
  const wave = (value) => 2 + (WAVE / 2) * (1 - value / 100);
  const place = (k) => LEFT + (inner * (k + 0.5)) / data.low.length;
  const outline = [
    ...data.high.map((value, k) => [place(k), wave(value)]),
    ...data.low.map((value, k) => [place(k), wave(value)]).reverse(),
  ];
  const parts = [
    text(LEFT - 8, 6 + WAVE / 2, "signal", "end"),
    svg("path", { d: `${path(outline)}Z`, fill: GREY, stroke: GREY, "stroke-width": 0.5 }),
  ];
  const step = tickDur(data.duration, inner / 48);
  const count = Math.floor(data.duration / step + 1e-6) + 1;
  const ticks = Array.from({ length: count }, (_, k) => k * step);
  let top = WAVE + 4;
  for (const name of NAMES) {
    top += GAP;
    const start = top;
    const [low, high] = data.ranges[name];
    const y = (value) => start + (PANEL * (high - value)) / (high - low);
    const marks = [0, 0.5, 1].map((value) => line(LEFT, y(value), inner, 0));
    parts.push(
      text(LEFT - 8, top + PANEL / 2 + 4, name, "end"),
      text(LEFT - 4, y(1) + 4, "1", "end"),
      text(LEFT - 4, y(0) + 4, "0", "end"),
      svg("path", { d: marks.join(""), stroke: GREY, "stroke-opacity": 0.5, fill: "none" }),
    );
    for (const { role, values } of data.lines) {
      const points = data.times.map((time, k) => {
        const value = values[name][k];
        return [x(time), value === null ? null : y(value)];
      });
      parts.push(svg("path", { d: path(points), class: `curve ${role}` }));
    }
    top += PANEL;
  }
  for (const time of ticks) parts.push(text(x(time), top + 18, clock(time, step)));
  parts.push(text(LEFT - 16, top + 18, step < 60 ? "time / s" : "time", "end"));
  const selection = svg("rect", { class: "selection", y: 0, height: top, width: 0 });
  const playhead = svg("path", { class: "playhead", d: `M0 0V${top}` });
  const pointer = svg("path", { class: "pointer", d: `M0 0V${top}`, visibility: "hidden" });
  const picture = svg(
    "svg",
    { width, height: top + 24, class: "curves", tabindex: 0, role: "slider", "aria-label": "Waveform, and arousal, dominance and valence over time: position" },
    selection, ...parts, playhead, pointer,
  );
  return { picture, selection, playhead, pointer, x, inner };
}

function plane(data, width) {
  const [left, bottom] = [26, 24];
  const size = width - left - 4;
  const [least, most] = data.ranges.valence;
  const [low, high] = data.ranges.arousal;
  const x = (value) => left + (size * (value - least)) / (most - least);
  const y = (value) => 4 + (size * (high - value)) / (high - low);
  const parts = [
    svg("rect", { x: left, y: 4, width: size, height: size, fill: "none", stroke: GREY }),
    svg("path", { d: line(left, y(0.5), size, 0) + line(x(0.5), 4, 0, size), stroke: GREY, "stroke-opacity": 0.5 }),
    text(left + size / 2, size + 20, "valence: negative to positive"),
    text(14, 4 + size / 2, "arousal: calm to excited", "middle", { transform: `rotate(-90 14 ${4 + size / 2})` }),
    ...data.words.map(([arousal, valence, word]) => text(x(valence), y(arousal) + 4, word, "middle", { class: "word" })),
  ];
  for (const { role, values, total } of data.lines) {
    const points = values.valence.map((value, k) => [
      value === null ? 0 : x(value),
      values.arousal[k] === null ? null : y(values.arousal[k]),
    ]);
    parts.push(svg("path", { d: path(points), class: `curve path ${role}`, "stroke-opacity": Math.min(0.6, 30 / points.length) }));
    const [cx, cy] = [x(total.valence), y(total.arousal)];
    parts.push(
      role === "teacher"
        ? svg("circle", { cx, cy, r: 7, class: `mark ${role}` })
        : svg("rect", { x: cx - 6, y: cy - 6, width: 12, height: 12, class: `mark ${role}` }),
    );
  }
  const dot = svg("circle", { r: 4, class: "dot", visibility: "hidden" });
  const label = "Arousal and valence: where the recording lies (large marks), and its path over time.";
  const picture = svg("svg", { width, height: size + bottom + 4, role: "img", "aria-label": label }, ...parts, dot);
  const move = (values) => {
    dot.setAttribute("visibility", values.valence === null ? "hidden" : "visible");
    dot.setAttribute("cx", x(values.valence));
    dot.setAttribute("cy", y(values.arousal));
  };
  return { picture, move };
}

let audio = null;

/** Makes the pictures of one result. */
function explore(holder) {
  const data = JSON.parse(holder.dataset.recording);
  const last = data.duration;
  audio = Object.assign(document.createElement("audio"), { controls: true, preload: "metadata", src: data.source });
  audio.setAttribute("aria-label", "The recording");
  const legend = document.createElement("p");
  legend.className = "adv-legend";
  legend.innerHTML = data.lines.map(({ role }) => `<span class="${role}">${nameOf(role)}</span>`).join("");
  const readout = document.createElement("p");
  readout.className = "adv-readout";
  const hint = "Point at the curves to read values, click to play from there, drag to select a part.";
  readout.textContent = hint;
  audio.onerror = () => {
    audio.hidden = true;
    readout.textContent = "This browser can't play this format. Values are shown all the same.";
  };
  const where = element.querySelector(".adv-plane");
  let drawn, drawnPlane, selected = null, from = null;

  const nearest = (time) => {
    let best = 0;
    data.times.forEach((other, k) => {
      if (Math.abs(other - time) < Math.abs(data.times[best] - time)) best = k;
    });
    return best;
  };
  const described = (time) => {
    const k = nearest(time);
    const values = data.lines.map(
      ({ role, values }) => `${nameOf(role)}: ${NAMES.map((name) => `${name} ${short(values[name][k])}`).join(", ")}`,
    );
    return `${time.toFixed(1)} s. ${values.join(". ")}.`;
  };
  const read = (time) => {
    const k = nearest(time);
    const { values } = data.lines[0];
    readout.textContent = described(time);
    drawnPlane.move({ valence: values.valence[k], arousal: values.arousal[k] });
  };
  const placed = (mark, time) => mark.setAttribute("transform", `translate(${drawn.x(time)} 0)`);
  const select = (a, b) => {
    selected = [Math.min(a, b), Math.max(a, b)];
    drawn.selection.setAttribute("x", drawn.x(selected[0]));
    drawn.selection.setAttribute("width", drawn.x(selected[1]) - drawn.x(selected[0]));
  };
  const chosen = () => trigger("select", { start: selected[0], end: selected[1] });
  const show = () => {
    const { currentTime } = audio;
    placed(drawn.playhead, currentTime);
    drawn.picture.setAttribute("aria-valuenow", currentTime.toFixed(2));
    drawn.picture.setAttribute("aria-valuetext", described(currentTime));
  };
  const follow = () => {
    show();
    read(audio.currentTime);
    if (!audio.paused) requestAnimationFrame(follow);
  };
  const seek = (time, isPlaying) => {
    audio.currentTime = Math.min(last, Math.max(0, time));
    show();
    read(audio.currentTime);
    if (isPlaying) audio.play().catch(() => {});
  };
  audio.onplay = follow;
  audio.onseeked = show;

  function draw() {
    const width = Math.max(300, Math.floor(holder.clientWidth));
    if (drawn && drawn.width === width) return;
    const next = { ...curves(data, width), width };
    if (drawn) drawn.picture.replaceWith(next.picture);
    else holder.append(legend, next.picture, readout, audio);
    drawn = next;
    drawnPlane = plane(data, Math.min(300, where.clientWidth || 300));
    where.replaceChildren(drawnPlane.picture);
    listen();
    show();
    if (selected) select(...selected);
  }

  function listen() {
    const { picture, pointer } = drawn;
    picture.setAttribute("aria-valuemin", 0);
    picture.setAttribute("aria-valuemax", last.toFixed(2));
    const at = (event) => {
      const x = event.clientX - picture.getBoundingClientRect().left;
      return Math.min(last, Math.max(0, ((x - LEFT) / drawn.inner) * last));
    };
    picture.onpointerdown = (event) => {
      from = at(event);
      picture.setPointerCapture(event.pointerId);
    };
    picture.onpointermove = (event) => {
      const time = at(event);
      placed(pointer, time);
      pointer.setAttribute("visibility", "visible");
      read(time);
      if (from !== null && Math.abs(drawn.x(time) - drawn.x(from)) > 5) select(from, time);
    };
    picture.onpointerup = (event) => {
      const time = at(event);
      const isDrag = from !== null && Math.abs(drawn.x(time) - drawn.x(from)) > 5;
      if (isDrag) chosen();
      else seek(time, true);
      from = null;
    };
    picture.onpointercancel = () => (from = null);
    picture.onpointerleave = () => pointer.setAttribute("visibility", "hidden");
    picture.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
      const time = audio.currentTime;
      if (step) {
        const next = Math.min(last, Math.max(0, time + step * Math.max(0.1, last / 100)));
        if (event.shiftKey) select(selected && time === selected[1] ? selected[0] : time, next);
        seek(next, false);
      } else if (event.key === " ") audio.paused ? audio.play() : audio.pause();
      else if (event.key === "Enter" && selected) chosen();
      else return;
      event.preventDefault();
    };
  }
  new ResizeObserver(draw).observe(holder);
  draw();
  document.querySelector("#segments").onclick = ({ target }) => {
    const button = target.closest("button");
    if (button) seek(Number(button.dataset.time), true);
  };
}

// A result is said in one sentence, not in all its words
const spoken = document.createElement("p");
spoken.className = "adv-spoken";
spoken.setAttribute("role", "status");
element.after(spoken);
watch("value", () => {
  audio?.pause();
  const sentence = element.querySelector(".adv-sentence, .adv-message");
  spoken.textContent = sentence ? sentence.textContent : "";
  const holder = element.querySelector("[data-recording]");
  if (holder) explore(holder);
});

// What happens on which event.

import { decode, mono } from "./audio.js";
import { html } from "./dom.js";
import { RefusedError, explanation } from "./errors.js";
import { facts } from "./facts.js";
import { HISTORY_DUR, Meters } from "./meters.js";
import { open } from "./microphone.js";
import { check, checkSize, durationText } from "./quality.js";
import { message, show } from "./results.js";
import { model } from "./wav2small/index.js";

const LOST =
  "A part of this page couldn't be loaded: the network or the server failed. Load the page again.";
const TOO_OLD = "This browser is too old for the page: it lacks SIMD in WebAssembly.";

const { limits } = facts;
const by = (id) => document.getElementById(id);
const [results, live, record, input, player, block] = [
  "results", "live", "record", "file", "player", "speech",
].map(by);

const worker = new Worker("worker.js", { type: "module" });
const pending = new Map();
let becameReady, becameLost;
/** A worker whose modules still load would lose what it is sent. */
const ready = new Promise((resolve, reject) => ([becameReady, becameLost] = [resolve, reject]));
ready.catch((error) => message(results, explanation(error)));
worker.onmessage = ({ data }) => {
  if (data.isReady) {
    becameReady();
    navigator.serviceWorker?.register("service-worker.js");
  } else if (data.moment) update(data);
  else if (data.recording) finish(data.recording);
  else settle(data);
};
// What couldn't be loaded says nothing of itself
worker.onerror = (event) => {
  if (event.message) message(results, explanation(event));
  else becameLost(new RefusedError(LOST));
};

const errorOf = ({ error, isLost }) => {
  if (error.startsWith("CompileError")) return new RefusedError(TOO_OLD);
  return isLost ? new RefusedError(LOST) : new Error(error);
};

const settle = ({ id, result, ...rest }) => {
  // What listens to the microphone has no number
  const [resolve, reject] = pending.get(id) ?? [null, fail];
  pending.delete(id);
  if (result) resolve(result);
  else reject(errorOf(rest));
};

const analysed = async (id, signal, rate) => {
  await ready;
  return new Promise((resolve, reject) => {
    pending.set(id, [resolve, reject]);
    worker.postMessage({ id, signal, rate, winDur: limits.winDur, hopDur: limits.hopDur });
  });
};

let number = 0;

/** Analyses what a function reads; of several at a time the last one is shown. */
const run = async (reading) => {
  const mine = ++number;
  message(results, "Analysing.", "adv-quiet");
  try {
    const { channels, rate, declared } = await reading();
    const signal = mono(channels);
    const notes = check(channels, signal, rate, declared);
    const result = await analysed(mine, signal, rate);
    if (mine === number) show(results, { result, notes, signal, rate });
  } catch (error) {
    if (mine === number) message(results, explanation(error));
  }
};

const play = (blob) => {
  const { src } = player;
  player.src = URL.createObjectURL(blob);
  player.hidden = false;
  // Not earlier: a file that is still read would be missing
  URL.revokeObjectURL(src);
};

const runFile = (file) =>
  run(async () => {
    checkSize(file);
    play(file);
    return decode(await file.arrayBuffer());
  });

const runExample = async (name) => runFile(await (await fetch(name)).blob());

// ------------------------------------------------------------------ microphone

let microphone = null;
let meters;
let numValues = 0;
const [state, details] = ["live-state", "live-details"].map(by);

/** Other sources wait while the microphone is on. */
const setSources = (isOn) => {
  for (const source of document.querySelectorAll("#file, #examples button")) source.disabled = isOn;
};

const start = async () => {
  number++;
  record.disabled = true;
  setSources(true);
  player.hidden = true;
  results.replaceChildren();
  try {
    await ready;
    microphone = await open();
    const { port, rate } = microphone;
    worker.postMessage({ port, rate, limit: limits.duration * rate }, [port]);
    meters = new Meters(["student"]);
    numValues = 0;
    by("live-values").replaceChildren(meters.element);
    live.hidden = false;
    live.scrollIntoView({ block: "nearest" });
    record.textContent = "Stop";
  } catch (error) {
    setSources(false);
    message(results, explanation(error));
  }
  record.disabled = false;
};

const sentenceOf = ({ moment, status }) => {
  if (Number.isNaN(moment.window.arousal)) return facts.statuses.waiting;
  return facts.statuses[status] ?? "Listening.";
};

const update = (news) => {
  const { moment, numLost, isOver } = news;
  const { time, window: values } = moment;
  if (!Number.isNaN(values.arousal)) {
    numValues++;
    meters.add("student", { time, ...values });
  }
  meters.draw(time);
  const sentence = sentenceOf(news);
  if (state.textContent !== sentence) state.textContent = sentence;
  details.textContent =
    `${time.toFixed(1)} s processed, ${numValues} values, ${numLost} samples lost. ` +
    `Values are those of the last ${limits.winDur} s; lines show the last ${HISTORY_DUR} s, 0…1.`;
  Object.assign(live.dataset, { updates: numValues, samples: moment.numSamples, lost: numLost });
  if (isOver) stop();
};

const stop = () => {
  record.disabled = true;
  microphone?.stop();
};

const release = () => {
  microphone.close();
  microphone = null;
  live.hidden = true;
  record.disabled = false;
  record.textContent = "Record";
  setSources(false);
};

const fail = (error) => {
  release();
  message(results, explanation(error));
};

const finish = (recording) => {
  const { rate } = microphone;
  const signal = recording.subarray(0, limits.duration * rate);
  release();
  run(async () => ({ channels: [signal], rate, declared: signal.length / rate }));
};

// ---------------------------------------------------------------------- events

message(results, "Results appear here.", "adv-quiet");

const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = () => document.documentElement.classList.toggle("dark", dark.matches);
dark.addEventListener("change", colour);
colour();

by("speech-label").textContent =
  `Speech: ${durationText(limits.duration)}, ${limits.size / 2 ** 20} MB at most`;
by("terms").textContent = `${model.name}: ${facts.model.licence}. audw2s ${model.version}.`;
for (const [label, name] of Object.entries(facts.examples)) {
  const button = html("button", { type: "button" }, label);
  button.addEventListener("click", () => runExample(name));
  by("examples").append(button);
}
const runChosen = () => {
  if (input.files.length) runFile(input.files[0]);
};
input.addEventListener("change", runChosen);
// It may have been chosen before this script was there
runChosen();
record.addEventListener("click", () => (microphone ? stop() : start()));
block.addEventListener("dragover", (event) => {
  event.preventDefault();
  block.classList.add("over");
});
block.addEventListener("dragleave", () => block.classList.remove("over"));
block.addEventListener("drop", (event) => {
  event.preventDefault();
  block.classList.remove("over");
  if (event.dataTransfer.files.length && !input.disabled) runFile(event.dataTransfer.files[0]);
});

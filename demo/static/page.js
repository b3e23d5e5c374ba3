// What happens on which event.

import { decode, mono } from "./audio.js";
import { html } from "./dom.js";
import { explanation } from "./errors.js";
import { facts } from "./facts.js";
import { Meters } from "./meters.js";
import { open } from "./microphone.js";
import { check, checkSize, durationText } from "./quality.js";
import { message, show } from "./results.js";

const { limits, model } = facts;
const by = (id) => document.getElementById(id);
const [results, live, record, input, player, block] = [
  "results", "live", "record", "file", "player", "speech",
].map(by);

const worker = new Worker("worker.js", { type: "module" });
let listener = () => {};
worker.onmessage = ({ data }) => listener(data);
worker.onerror = (event) => listener({ error: event.message ?? "The worker can't be started." });

const analysed = (signal, rate) =>
  new Promise((resolve, reject) => {
    listener = ({ result, error }) => (error ? reject(new Error(error)) : resolve(result));
    worker.postMessage({ signal, rate, winDur: limits.winDur, hopDur: limits.hopDur });
  });

let number = 0;

/** Analyses what a function reads; of several at a time the last one is shown. */
const run = async (reading) => {
  const mine = ++number;
  message(results, "Analysing.", "adv-quiet");
  try {
    const { channels, rate, declared } = await reading();
    const signal = mono(channels);
    const notes = check(channels, signal, rate, declared);
    const result = await analysed(signal, rate);
    if (mine === number) show(results, { result, notes, signal, rate });
  } catch (error) {
    if (mine === number) message(results, explanation(error));
  }
};

const play = (blob) => {
  URL.revokeObjectURL(player.src);
  player.src = URL.createObjectURL(blob);
  player.hidden = false;
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

const start = async () => {
  live.hidden = false;
  player.hidden = true;
  number++;
  results.replaceChildren();
  const meters = new Meters(live);
  listener = (data) => {
    if (data.recording) finish(data.recording);
    else if (data.error) message(results, explanation(new Error(data.error)));
    else {
      meters.push(data);
      if (data.isOver) stop();
    }
  };
  try {
    microphone = await open(worker, limits.duration);
    record.textContent = "Stop";
  } catch (error) {
    live.hidden = true;
    message(results, explanation(error));
  }
};

const stop = () => {
  record.disabled = true;
  microphone?.stop();
};

const finish = (signal) => {
  const { rate } = microphone;
  microphone.close();
  microphone = null;
  live.hidden = true;
  record.disabled = false;
  record.textContent = "Record";
  run(async () => ({ channels: [signal], rate, declared: signal.length / rate }));
};

// ---------------------------------------------------------------------- events

const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = () => document.documentElement.classList.toggle("dark", dark.matches);
dark.addEventListener("change", colour);
colour();

by("speech-label").textContent =
  `Speech: ${durationText(limits.duration)}, ${limits.size / 2 ** 20} MB at most`;
by("terms").textContent = `${model.name}: ${model.licence}. audw2s ${model.version}.`;
for (const [label, name] of Object.entries(facts.examples)) {
  const button = html("button", { type: "button" }, label);
  button.addEventListener("click", () => runExample(name));
  by("examples").append(button);
}
input.addEventListener("change", () => {
  if (input.files.length) runFile(input.files[0]);
});
record.addEventListener("click", () => (microphone ? stop() : start()));
block.addEventListener("dragover", (event) => {
  event.preventDefault();
  block.classList.add("over");
});
block.addEventListener("dragleave", () => block.classList.remove("over"));
block.addEventListener("drop", (event) => {
  event.preventDefault();
  block.classList.remove("over");
  if (event.dataTransfer.files.length) runFile(event.dataTransfer.files[0]);
});

navigator.serviceWorker?.register("service-worker.js");

// The tab for live speech: a button, what is going on, values, and what is kept.

import { html } from "./dom.js";
import { explanation } from "./errors.js";
import { facts } from "./facts.js";
import { HISTORY_DUR, Meters, OLD } from "./meters.js";
import { INSECURE, open as openMicrophone } from "./microphone.js";
import { clear, show } from "./outcome.js";
import { ENDS, Session } from "./session.js";
import { sentence } from "./words.js";

const { limits } = facts;

/** Milliseconds from look to look at what is going on. */
const LOOK = 200;

/** Milliseconds from value to value for screen readers. */
const SPEAK = 5000;

const ROLES = ["teacher", "student"];

const WINDOWS =
  `Values are those of the last ${limits.teacherDur} s (teacher, solid line) and ${limits.winDur} s ` +
  `(student, dashed line), 0 (low) … 1 (high); lines show the last ${HISTORY_DUR} s.`;

let models;
let session = null;

/** Takes the models of the next session, `{ teacher, student }`; another one ends. */
export const choose = (chosen) => {
  models = chosen;
  session?.stop(ENDS.changed);
};

const details = ({ now, sender, microphone, numLost }) => {
  const analysed = (sender.numSamples / microphone.rate).toFixed(1);
  const teacher = sender.points.teacher.at(-1);
  const behind = teacher ? `, the teacher is ${(now - teacher.time).toFixed(1)} s behind` : "";
  const lost = numLost ? `, the browser lost ${numLost} samples` : "";
  const numValues = sender.points.student.length;
  return `${analysed} of ${now.toFixed(1)} s analysed, ${numValues} values${behind}${lost}. ${WINDOWS}`;
};

/** Fills the tab. */
export const open = (element, chosen) => {
  models ??= chosen;
  const button = html("button", { type: "button", class: "adv-button" }, "Start");
  const state = html("p", { class: "adv-sentence", role: "status" });
  const quiet = html("p", { class: "adv-quiet" }, WINDOWS);
  const spoken = html("p", { class: "adv-spoken", role: "status" });
  const outcome = html("div");
  let meters = new Meters(ROLES);
  element.replaceChildren(html("div", { class: "adv" }, button, state, meters.element, quiet, spoken, outcome));

  const say = (text) => {
    if (state.textContent !== text) state.textContent = text;
  };

  const draw = () => {
    const { now, sender, recording, end, numLost } = session;
    say(session.sentence);
    quiet.textContent = details(session);
    meters.draw(now);
    Object.assign(element.dataset, {
      state: sender.isOver ? "over" : end ? "ending" : "on",
      recorded: recording.length,
      analysed: sender.numSamples,
      values: sender.points.student.length,
      lost: numLost,
    });
  };

  const add = (fresh) => {
    for (const role of ROLES) fresh[role].forEach((point) => meters.add(role, point));
    draw();
  };

  const speak = () => {
    const last = session.sender.points.student.at(-1);
    if (last && session.now - last.time < OLD) spoken.textContent = sentence(last);
  };

  /** Ends the session if another tab was opened, of the page or of the browser. */
  const leave = () => {
    if (document.hidden || !element.getClientRects().length) session?.stop(ENDS.left);
  };

  const look = () => {
    leave();
    if (session.microphone.isUnplugged()) session.stop(ENDS.unplugged);
    button.textContent = session.end ? "Start" : "Stop";
    button.disabled = session.end !== null && !session.sender.isOver;
    draw();
  };

  const start = async () => {
    button.disabled = true;
    say("The browser asks for the microphone.");
    clear(outcome);
    try {
      session = new Session(await openMicrophone(), { ...models });
    } catch (error) {
      say(explanation(error));
      button.disabled = false;
      return;
    }
    const fresh = new Meters(ROLES);
    meters.element.replaceWith(fresh.element);
    meters = fresh;
    quiet.hidden = false;
    look();
    const timers = [setInterval(look, LOOK), setInterval(speak, SPEAK)];
    await session.run(add);
    timers.forEach(clearInterval);
    look();
    // What was last is no value of now
    meters.element.hidden = quiet.hidden = true;
    show(outcome, session);
  };

  button.addEventListener("click", () => {
    if (session && !session.end) session.stop(ENDS.stopped);
    else start();
  });
  document.addEventListener("visibilitychange", leave);
  new ResizeObserver(leave).observe(element);
  button.disabled = !isSecureContext;
  say(isSecureContext ? "Press Start and speak." : INSECURE);
};

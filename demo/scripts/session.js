// One use of the microphone, from its start until all is analysed; and what is going on.

import { explanation } from "./errors.js";
import { facts } from "./facts.js";
import { Level } from "./level.js";
import { OLD } from "./meters.js";
import { Recording } from "./recording.js";
import { Sender } from "./sender.js";

const { duration } = facts.limits;

export const ENDS = {
  stopped: "Stopped.",
  over: `${duration} s are over: the microphone is off.`,
  left: "Another tab was opened: the microphone is off.",
  unplugged: "The microphone was unplugged.",
  changed: "Another model was chosen: the microphone is off.",
};

const PAUSED = "Paused: no sound comes, as the browser or another program holds the microphone.";
const LOST = "Connection lost. What you say is kept, and analysed once the server is there again.";
const AGAIN = "The server was restarted, or has forgotten you: all that you said is sent again.";
const LATE = "Listening. The network or the server is slow: values are late.";

/** Milliseconds without a chunk from which on the microphone is paused. */
const SILENCE = 1000;

/** Milliseconds for which values have to be in time until they aren't called late any more. */
const CALM = 3000;

/** Milliseconds that the last chunk may take. */
const LAST = 300;

export class Session {
  /** Why the microphone is off; null while it is on. */
  end = null;
  /** Number of samples that the browser lost. */
  numLost = 0;
  #next = null;
  #late = -Infinity;
  #arrived = performance.now();

  constructor(microphone, models) {
    this.microphone = microphone;
    this.recording = new Recording(microphone.rate, duration);
    this.level = new Level(microphone.rate);
    this.sender = new Sender(this.recording, models);
    microphone.port.onmessage = ({ data }) => this.#push(data);
    this.timer = setTimeout(() => this.stop(ENDS.over), 1000 * duration);
  }

  /** Sends until all is analysed; `onAnswer` gets new points. */
  async run(onAnswer) {
    try {
      await this.sender.run(onAnswer);
    } catch (error) {
      this.stop(explanation(error));
    }
  }

  stop(reason) {
    if (this.end) return;
    this.end = reason;
    clearTimeout(this.timer);
    this.microphone.stop();
    // One that is paused gives no last chunk
    setTimeout(() => this.#close(), LAST);
  }

  /** Time that was spoken, in seconds. */
  get now() {
    return this.recording.duration;
  }

  /** What is going on, in words. */
  get sentence() {
    if (this.end) return `${this.end} ${this.#rest()}`;
    const { microphone, sender, level } = this;
    if (microphone.isMuted() || performance.now() - this.#arrived > SILENCE) return PAUSED;
    if (sender.isLost) return LOST;
    if (sender.isAgain) return AGAIN;
    if (sender.behind > OLD) this.#late = performance.now();
    const isLate = performance.now() - this.#late < CALM;
    return facts.statuses[level.status ?? sender.status] ?? (isLate ? LATE : "Listening.");
  }

  #rest() {
    const { sender, numLost } = this;
    if (!sender.isOver) return sender.isLost ? "Connection lost: the rest is sent again." : "The rest is analysed.";
    const lost = numLost ? ` The browser lost ${numLost} samples.` : "";
    if (!sender.behind) return `All ${this.now.toFixed(1)} s were analysed.${lost}`;
    return `The last ${sender.behind.toFixed(1)} s weren't analysed.${lost}`;
  }

  #push({ frame, samples, isLast }) {
    this.#arrived = performance.now();
    this.numLost += this.#next === null ? 0 : frame - this.#next;
    this.#next = frame + samples.length;
    this.level.push(samples);
    this.recording.push(samples);
    if (isLast) this.#close();
    else if (this.recording.isFull) this.stop(ENDS.over);
  }

  #close() {
    if (this.recording.isOver) return;
    this.recording.isOver = true;
    this.microphone.port.close();
    this.microphone.close();
  }
}

// Sends a recording while it grows. The server says how far it is, and is sent what follows.

import { RefusedError, UNEXPECTED } from "./errors.js";
import { facts } from "./facts.js";

/** Milliseconds until it is looked for more samples. */
const PAUSE = 15;

/** Milliseconds until a server that was lost is asked again. */
const RETRY = 500;

/** Milliseconds that an answer may take. */
const TIMEOUT = 10_000;

/** Milliseconds without samples until the server is told that this goes on. */
const SIGN_OF_LIFE = 5000;

/** Milliseconds without an answer after which the rest of a recording isn't sent any more. */
const PATIENCE = 15_000;

/** What proxies answer while the server isn't there. */
const GATEWAY = [502, 503, 504];

const sleep = (duration) => new Promise((resolve) => setTimeout(resolve, duration));

const named = ([time, ...values]) =>
  Object.fromEntries([["time", time], ...facts.dimensions.map((name, k) => [name, values[k]])]);

export class Sender {
  /** Number of samples that the server analysed. */
  numSamples = 0;
  points = { student: [], teacher: [] };
  status = "waiting";
  isOver = false;
  isLost = false;
  /** Whether the server gets the recording again, as it was restarted. */
  isAgain = false;
  #session = crypto.randomUUID();
  #answered = performance.now();

  constructor(recording, models) {
    this.recording = recording;
    this.models = models;
  }

  /** Sends until all is analysed, or the server is lost; `onAnswer` gets new points. */
  async run(onAnswer) {
    const { recording } = this;
    try {
      while (!this.isOver) {
        const least = facts.limits.updateDur * recording.rate;
        const isDue = performance.now() - this.#answered > SIGN_OF_LIFE;
        const hasMore = recording.length - this.numSamples >= least;
        if (hasMore || isDue || recording.isOver) await this.#exchange(onAnswer);
        else await sleep(PAUSE);
      }
    } finally {
      this.isOver = true;
    }
  }

  async #exchange(onAnswer) {
    try {
      onAnswer(this.#read(await this.#send()));
      this.isLost = false;
      this.#answered = performance.now();
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      this.isLost = true;
      const isHopeless = this.recording.isOver && performance.now() - this.#answered > PATIENCE;
      if (isHopeless) this.isOver = true;
      else await sleep(RETRY);
    }
  }

  async #send() {
    const { recording, numSamples: first } = this;
    const body = recording.from(first, Math.round(facts.limits.chunkDur * recording.rate));
    const isLast = recording.isOver && first + body.length === recording.length;
    const query = new URLSearchParams({
      ...this.models,
      session: this.#session,
      rate: recording.rate,
      first,
      last: Number(isLast),
      student_points: this.points.student.length,
      teacher_points: this.points.teacher.length,
    });
    const signal = AbortSignal.timeout(TIMEOUT);
    const response = await fetch(new URL(`push?${query}`, import.meta.url), { method: "POST", body, signal });
    if (GATEWAY.includes(response.status)) throw new Error(response.statusText);
    if (response.ok) return response.json();
    // What is the server's fault has no sentence
    const { error } = await response.json().catch(() => ({ error: UNEXPECTED }));
    throw new RefusedError(error);
  }

  /** New points of an answer. */
  #read(answer) {
    if (answer.num_samples < this.numSamples) {
      this.isAgain = true;
      this.points = { student: [], teacher: [] };
    }
    this.numSamples = answer.num_samples;
    if (this.behind < 1) this.isAgain = false;
    this.status = answer.status;
    this.isOver = answer.is_over;
    const fresh = { student: answer.student.map(named), teacher: answer.teacher.map(named) };
    for (const role of Object.keys(fresh)) this.points[role].push(...fresh[role]);
    return fresh;
  }

  /** Seconds that were recorded and aren't analysed yet. */
  get behind() {
    return (this.recording.length - this.numSamples) / this.recording.rate;
  }
}

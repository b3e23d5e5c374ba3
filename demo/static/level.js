// Level of a microphone: whether its last seconds are silent, or too loud.

import { facts } from "./facts.js";

const DUR = 2;

const { loud, fullScale, clippedShare } = facts.limits;

export class Level {
  #chunks = [];
  #count = 0;

  constructor(rate) {
    this.size = DUR * rate;
  }

  push(samples) {
    const chunk = { count: samples.length, peak: 0, clipped: 0 };
    for (const sample of samples) {
      const size = Math.abs(sample);
      if (size > chunk.peak) chunk.peak = size;
      if (size >= fullScale) chunk.clipped++;
    }
    this.#chunks.push(chunk);
    this.#count += chunk.count;
    while (this.#count - this.#chunks[0].count >= this.size) this.#count -= this.#chunks.shift().count;
  }

  /** "clipped", "silent", or undefined. */
  get status() {
    const clipped = this.#chunks.reduce((sum, chunk) => sum + chunk.clipped, 0);
    if (clipped > clippedShare * this.size) return "clipped";
    const isSilent = this.#count >= this.size && this.#chunks.every((chunk) => chunk.peak < loud);
    return isSilent ? "silent" : undefined;
  }
}

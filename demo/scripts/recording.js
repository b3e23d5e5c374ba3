// Recording in 16 bits: what is sent, analysed and kept are the same samples.

const FULL_SCALE = 0x7fff;

export class Recording {
  isOver = false;
  length = 0;
  #samples;

  constructor(rate, duration) {
    this.rate = rate;
    this.#samples = new Int16Array(rate * duration);
  }

  /** Appends samples in -1…1, as many as there is room for. */
  push(samples) {
    const count = Math.min(samples.length, this.#samples.length - this.length);
    for (let i = 0; i < count; i++) {
      const sample = Math.min(1, Math.max(-1, samples[i]));
      this.#samples[this.length++] = Math.round(FULL_SCALE * sample);
    }
  }

  /** Samples from one on. */
  from(first, count = Infinity) {
    return this.#samples.slice(first, Math.min(this.length, first + count));
  }

  get duration() {
    return this.length / this.rate;
  }

  get isFull() {
    return this.length === this.#samples.length;
  }
}

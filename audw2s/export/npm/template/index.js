/**
 * Arousal, dominance and valence of speech: {model}.
 *
 * Written by audw2s {version} from the ONNX file with sha256 {sha256}.
 *
 * Values are about 0…1, 0.5 is neutral; they are not clipped. Types are in index.d.ts.
 */

export const model = { name: "{model}", sha256: "{sha256}", version: "{version}" };

export const samplingRate = 16000;

/** Samples of a token, and durations in seconds. */
const HOP = 64;
const MIN_DUR = HOP / samplingRate;
const WIN_DUR = 2;
const HOP_DUR = 0.25;

const read = async (name) => {
  const url = new URL(name, import.meta.url);
  if (url.protocol === "file:") {
    const { readFile } = await import("node:fs/promises");
    return readFile(url);
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: status ${response.status}`);
  return response.arrayBuffer();
};

let files;

/** Compiled code and weights, which are read once. */
const load = () => {
  files ??= Promise.all([
    read("wav2small.wasm").then((bytes) => WebAssembly.compile(bytes)),
    read("weights.bin").then((bytes) => new Float32Array(new Uint8Array(bytes).buffer)),
  ]).catch((error) => {
    files = undefined;
    throw error;
  });
  return files;
};

/** An instance of the code, for one clip or stream: its memory is never freed. */
class Instance {
  static async create(rate) {
    const [code, weights] = await load();
    return new Instance(await WebAssembly.instantiate(code), weights, rate);
  }

  constructor({ exports }, weights, rate) {
    this.code = exports;
    if (exports.num_weights() !== weights.length) {
      throw new Error("weights.bin doesn't belong to wav2small.wasm.");
    }
    this.floats(exports.weights(), weights.length).set(weights);
    if (!exports.set_rate(rate)) {
      throw new RangeError(`A sampling rate of ${rate} Hz isn't supported.`);
    }
  }

  floats(address, length) {
    return new Float32Array(this.code.memory.buffer, address, length);
  }

  reserve(size) {
    const address = this.code.reserve(size);
    if (!address) throw new RangeError("The signal is too long for the memory.");
    return address;
  }

  /** Calls a function with the size of each chunk of a signal. */
  feed(signal, process) {
    const size = this.code.chunk_size();
    for (let first = 0; first < signal.length; first += size) {
      const part = signal.subarray(first, first + size);
      this.floats(this.code.chunk(), size).set(part);
      process(part.length);
    }
  }

  values(address) {
    const [arousal, dominance, valence] = this.floats(address, 3);
    return { arousal, dominance, valence };
  }
}

/** A clip in the memory of an instance, at 16 kHz. */
class Clip extends Instance {
  static async of(signal, rate) {
    const [code, weights] = await load();
    return new Clip(await WebAssembly.instantiate(code), weights, signal, rate);
  }

  constructor(instance, weights, signal, rate) {
    super(instance, weights, rate);
    this.duration = signal.length / rate;
    this.rate = rate;
    this.size = 0;
    this.address = this.reserve(4 * this.code.resampled_size(signal.length));
    const end = () => this.address + 4 * this.size;
    this.feed(signal, (count) => (this.size += this.code.resample(count, end())));
    this.size += this.code.resample_end(end());
    this.size = Math.min(this.size, this.resampled(signal.length));
  }

  /** Number of samples at 16 kHz. */
  resampled(count) {
    return Math.round((count * samplingRate) / this.rate);
  }

  total() {
    return this.values(this.code.analyse(this.address, this.size));
  }

  /** Index of the first token, and index after the last one, of a window. */
  tokens({ start, end }) {
    const first = Math.round(start * this.rate);
    const low = Math.floor((first * samplingRate) / this.rate);
    const high = low + this.resampled(Math.round(end * this.rate) - first);
    const range = [Math.ceil(low / HOP), Math.floor(high / HOP)];
    return range[0] < range[1] ? range : [Math.floor(low / HOP), Math.floor(low / HOP) + 1];
  }

  curve(winDur, hopDur) {
    const count = Math.floor(this.duration / hopDur + 1e-6) + 1;
    const windows = Array.from({ length: count }, (_, k) => ({
      time: k * hopDur,
      start: Math.max(0, k * hopDur - winDur / 2),
      end: Math.min(this.duration, k * hopDur + winDur / 2),
    }));
    const ranges = windows.map((window) => this.tokens(window));
    const edges = [...new Set(ranges.flat())].sort((a, b) => a - b);
    const sums = this.cells(edges);
    const size = this.code.sums_size();
    const place = new Map(edges.map((edge, number) => [edge, number]));
    return windows.map((window, k) => {
      const [first, last] = ranges[k].map((edge) => place.get(edge));
      const values = this.code.pool_cells(sums + first * size, last - first);
      return { ...window, ...this.values(values) };
    });
  }

  /** Address of the sums over the tokens between edges. */
  cells(edges) {
    const count = edges.length - 1;
    const level = this.reserve(16 * Math.ceil(this.size / HOP));
    const indices = this.reserve(4 * edges.length);
    const sums = this.reserve(count * this.code.sums_size());
    new Int32Array(this.code.memory.buffer, indices, edges.length).set(edges);
    this.code.sum_cells(this.address, this.size, level, indices, count, sums);
    return sums;
  }
}

const checked = (signal, rate) => {
  if (!(signal instanceof Float32Array)) {
    throw new TypeError("The signal has to be a Float32Array: mono, -1…1.");
  }
  const shortest = Math.ceil(MIN_DUR * rate);
  if (signal.length < shortest) {
    throw new RangeError(`The signal has ${signal.length} samples, below ${shortest}.`);
  }
  return signal;
};

export const analyse = async (signal, rate = samplingRate) =>
  (await Clip.of(checked(signal, rate), rate)).total();

export const curve = async (
  signal,
  rate = samplingRate,
  { winDur = WIN_DUR, hopDur = HOP_DUR } = {},
) => (await Clip.of(checked(signal, rate), rate)).curve(winDur, hopDur);

export class Stream {
  #instance;
  #rate;
  #numSamples = 0;

  static async open(rate = samplingRate) {
    const stream = new Stream();
    stream.#instance = await Instance.create(rate);
    stream.#instance.code.start();
    stream.#rate = rate;
    return stream;
  }

  push(chunk) {
    this.#instance.feed(chunk, (count) => this.#instance.code.push(count));
    this.#numSamples += chunk.length;
    return this.#moment();
  }

  finish() {
    this.#instance.code.finish();
    return this.#moment();
  }

  #moment() {
    const { code } = this.#instance;
    return {
      time: this.#numSamples / this.#rate,
      numSamples: this.#numSamples,
      window: this.#instance.values(code.window()),
      total: this.#instance.values(code.total()),
    };
  }
}

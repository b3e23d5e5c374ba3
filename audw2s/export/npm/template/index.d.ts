/** Arousal, dominance and valence, about 0…1, 0.5 is neutral; they are not clipped. */
export interface Values {
  arousal: number;
  dominance: number;
  valence: number;
}

/** Values of a window around a time; times in seconds. */
export interface Window extends Values {
  time: number;
  start: number;
  end: number;
}

/** State of a stream. Values are NaN in the first half second. */
export interface Moment {
  /** Duration in seconds of the audio that was pushed. */
  time: number;
  /** Number of samples that were pushed. */
  numSamples: number;
  /** Values of the last two seconds, which change each 0.02 s. */
  window: Values;
  /** Values of everything so far. */
  total: Values;
}

/** Name of the model, sha256 of its ONNX file, and version of audw2s. */
export const model: { name: string; sha256: string; version: string };

/** Sampling rate of the model in Hz; signals at other rates are resampled. */
export const samplingRate: 16000;

/**
 * A/D/V of a clip.
 *
 * @param signal - mono, any scale up to 32768, at least 4 ms
 * @param rate - sampling rate in Hz, 16000 by default
 * @throws RangeError if the signal is too short, or its rate isn't supported
 */
export function analyse(signal: Float32Array, rate?: number): Promise<Values>;

/**
 * A/D/V of a clip over time, as `audw2s.curve` gives them.
 *
 * @param signal - see `analyse`
 * @param rate - sampling rate in Hz, 16000 by default
 * @param options - duration of the windows (2 s), and seconds from one to the next (0.25)
 */
export function curve(
  signal: Float32Array,
  rate?: number,
  options?: { winDur?: number; hopDur?: number },
): Promise<Window[]>;

/** A/D/V of live speech, as `audw2s.Stream` gives them. */
export class Stream {
  private constructor();
  /** @param rate - sampling rate of the chunks in Hz, 16000 by default */
  static open(rate?: number): Promise<Stream>;
  /** Processes a chunk of any size, mono. */
  push(chunk: Float32Array): Moment;
  /** Processes what is left at the end; no chunk may follow. */
  finish(): Moment;
}

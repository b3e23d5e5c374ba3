// From a file to its channels, at its own sampling rate.

import { RefusedError } from "./errors.js";
import { facts } from "./facts.js";
import { DEFAULT_RATE, rateOf } from "./rate.js";
import { header, isWav, parse } from "./wav.js";

/** Rates that the resampler of the model takes. */
const RATES = new Set([
  8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000,
]);

const byBrowser = async (bytes, rate) => {
  const context = new OfflineAudioContext(1, 1, RATES.has(rate) ? rate : DEFAULT_RATE);
  let buffer;
  try {
    buffer = await context.decodeAudioData(bytes);
  } catch {
    throw new RefusedError(facts.words.unreadable);
  }
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, c) => buffer.getChannelData(c));
  return { channels, rate: buffer.sampleRate, declared: buffer.duration };
};

/** Channels, sampling rate, and duration that the file declares. */
export const decode = async (bytes) => {
  if (!bytes.byteLength) throw new RefusedError(facts.words.unreadable);
  const view = new DataView(bytes);
  if (!isWav(view)) return byBrowser(bytes, rateOf(view));
  const { rate } = header(view);
  return (RATES.has(rate) && parse(view)) || byBrowser(bytes, rate);
};

/** Mean of the channels. */
export const mono = (channels) => {
  if (channels.length === 1) return channels[0];
  const mean = new Float32Array(channels[0].length);
  for (const channel of channels) channel.forEach((sample, i) => (mean[i] += sample / channels.length));
  return mean;
};

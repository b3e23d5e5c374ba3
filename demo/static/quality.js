// What is wrong with a recording, in the words of the server's page.

import { RefusedError } from "./errors.js";
import { facts } from "./facts.js";

const { limits, notes, words, reasons } = facts;

export const durationText = (seconds) => {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} hours`;
};

export const checkSize = (file) => {
  if (file.size > limits.size) {
    throw new RefusedError(
      `This file has more than ${limits.size / 2 ** 20} MB. Cut it, or save it as FLAC or MP3.`,
    );
  }
};

const count = (channels, test) => {
  let sum = 0;
  for (const channel of channels) for (const sample of channel) sum += test(sample);
  return sum;
};

const energy = (signal) => signal.reduce((sum, sample) => sum + sample * sample, 0);

/** Status of a recording that has no values, or undefined. */
const fault = (channels, signal, rate) => {
  if (!signal.length) return "empty";
  if (count(channels, (sample) => !Number.isFinite(sample))) return "not_finite";
  if (count(channels, (sample) => Math.abs(sample) > limits.sample)) return "out_of_range";
  if (signal.length < limits.least * rate) return "too_short";
  const mean = channels.reduce((sum, channel) => sum + energy(channel), 0) / channels.length;
  return mean > 0 && energy(signal) < limits.cancelled * mean ? "cancelled" : undefined;
};

/** Status of a recording whose values may be off, and a message, or undefined. */
const doubt = (channels, signal, duration, declared) => {
  if (channels.every((channel) => channel.every((sample) => sample === channel[0]))) return ["silent"];
  if (signal.every((sample) => Math.abs(sample) < limits.loud)) return ["quiet", reasons.quiet];
  if (declared - duration > Math.max(limits.missing, limits.missingShare * declared)) {
    return ["truncated", `read ${duration.toFixed(3)} s of ${declared.toFixed(3)} s`];
  }
  const clipped = count(channels, (sample) => Math.abs(sample) >= limits.fullScale);
  const share = clipped / (channels.length * signal.length);
  if (share > limits.clippedShare) {
    return ["clipped", `${(100 * share).toFixed(1)} % of the samples at full scale`];
  }
  return undefined;
};

/** Notes on a recording; throws a RefusedError if it has no values. */
export const check = (channels, signal, rate, declared) => {
  const duration = signal.length / rate;
  if (duration > limits.duration) {
    throw new RefusedError(
      `This recording lasts ${durationText(duration)}, this page takes ` +
        `${durationText(limits.duration)} at most. Cut it, or use 'audw2s curve' or ` +
        "'audw2s predict' on the command line.",
    );
  }
  const status = fault(channels, signal, rate);
  if (status) throw new RefusedError(words[status]);
  const [name, message] = doubt(channels, signal, duration, declared) ?? [];
  const list = name ? [notes[name].replace("{message}", message)] : [];
  if (duration < limits.unsure) {
    list.push(notes.short.replace("{duration:.2f}", duration.toFixed(2)).replace("{unsure:g}", limits.unsure));
  }
  if (duration > limits.long) list.push(notes.long.replace("{duration:.0f}", duration.toFixed(0)));
  return list;
};

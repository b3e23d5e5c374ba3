// WAV files: parsed here, as browsers resample them when they decode; and written.

const PCM = 1;
const IEEE_FLOAT = 3;
const EXTENSIBLE = 0xfffe;

const tag = (view, at) => String.fromCharCode(...new Uint8Array(view.buffer, at, 4));

export const isWav = (view) =>
  view.byteLength >= 12 && ["RIFF", "RF64"].includes(tag(view, 0)) && tag(view, 8) === "WAVE";

/** Format, and place of the samples; a program that writes to a pipe knows no length. */
export const header = (view) => {
  const wav = { data: null };
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const length = view.getUint32(at + 4, true);
    const body = at + 8;
    const rest = view.byteLength - body;
    if (tag(view, at) === "fmt " && length >= 16 && rest >= length) {
      wav.kind = view.getUint16(body, true);
      wav.numChannels = view.getUint16(body + 2, true);
      wav.rate = view.getUint32(body + 4, true);
      wav.bits = view.getUint16(body + 14, true);
      if (wav.kind === EXTENSIBLE && length >= 26) wav.kind = view.getUint16(body + 24, true);
    } else if (tag(view, at) === "data") {
      wav.data = body;
      wav.size = Math.min(length, rest);
      // Larger values are those of pipes and of RF64
      wav.declared = length < 0x7fffffff ? length : wav.size;
    }
    at = body + length + (length % 2);
  }
  return wav;
};

const readers = {
  [`${PCM} 8`]: (view, at) => (view.getUint8(at) - 128) / 128,
  [`${PCM} 16`]: (view, at) => view.getInt16(at, true) / 2 ** 15,
  [`${PCM} 24`]: (view, at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 2 ** 16) / 2 ** 23,
  [`${PCM} 32`]: (view, at) => view.getInt32(at, true) / 2 ** 31,
  [`${IEEE_FLOAT} 32`]: (view, at) => view.getFloat32(at, true),
  [`${IEEE_FLOAT} 64`]: (view, at) => view.getFloat64(at, true),
};

/** Channels, rate and duration that the header declares; null for other formats. */
export const parse = (view) => {
  const wav = header(view);
  const read = readers[`${wav.kind} ${wav.bits}`];
  if (wav.data === null || !read || !wav.numChannels || !wav.rate) return null;
  const width = wav.bits / 8;
  const frame = width * wav.numChannels;
  const count = Math.floor(wav.size / frame);
  const channels = Array.from({ length: wav.numChannels }, (_, c) => {
    const samples = new Float32Array(count);
    for (let i = 0, at = wav.data + c * width; i < count; i++, at += frame) {
      samples[i] = read(view, at);
    }
    return samples;
  });
  return { channels, rate: wav.rate, declared: wav.declared / frame / wav.rate };
};

/** WAV file of mono samples, an Int16Array. */
export const written = (samples, rate) => {
  const head = new DataView(new ArrayBuffer(44));
  const put = (at, text) => [...text].forEach((letter, i) => head.setUint8(at + i, letter.charCodeAt(0)));
  const size = 2 * samples.length;
  put(0, "RIFF");
  head.setUint32(4, 36 + size, true);
  put(8, "WAVEfmt ");
  head.setUint32(16, 16, true);
  head.setUint16(20, PCM, true);
  head.setUint16(22, 1, true);
  head.setUint32(24, rate, true);
  head.setUint32(28, 2 * rate, true);
  head.setUint16(32, 2, true);
  head.setUint16(34, 16, true);
  put(36, "data");
  head.setUint32(40, size, true);
  return new Blob([head, samples], { type: "audio/wav" });
};

// Sampling rate of compressed files, by their headers: a browser asked for this rate
// decodes without resampling.

export const DEFAULT_RATE = 48000;

const MPEG_RATES = [44100, 48000, 32000];
const MPEG_DIVISORS = { 3: 1, 2: 2, 0: 4 };
const AAC_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000];

const find = (bytes, text, last = bytes.length) => {
  const wanted = [...text].map((letter) => letter.charCodeAt(0));
  for (let at = bytes.indexOf(wanted[0]); at >= 0 && at < last; at = bytes.indexOf(wanted[0], at + 1)) {
    if (wanted.every((value, i) => bytes[at + i] === value)) return at;
  }
  return -1;
};

/** MPEG audio and AAC behind a tag: the first frame of which the next one follows. */
const ofFrames = (bytes) => {
  let at = 0;
  if (find(bytes, "ID3", 1) === 0) {
    at = 10 + bytes.subarray(6, 10).reduce((size, byte) => size * 128 + (byte & 127), 0);
  }
  for (const last = Math.min(bytes.length - 4, at + 65536); at < last; at++) {
    if (bytes[at] !== 0xff || (bytes[at + 1] & 0xe0) !== 0xe0) continue;
    const version = (bytes[at + 1] >> 3) & 3;
    const layer = (bytes[at + 1] >> 1) & 3;
    const index = (bytes[at + 2] >> 2) & 3;
    if (layer === 0 && (bytes[at + 1] & 0xf0) === 0xf0) return AAC_RATES[(bytes[at + 2] >> 2) & 15];
    if (layer && version !== 1 && index < 3) return MPEG_RATES[index] / MPEG_DIVISORS[version];
  }
  return undefined;
};

const ofFlac = (view, bytes, at = find(bytes, "fLaC", 4096)) =>
  at < 0 ? undefined : view.getUint32(at + 18) >>> 12;

const ofOgg = (view, bytes) => {
  const vorbis = find(bytes, "\x01vorbis", 4096);
  return vorbis < 0 ? ofFlac(view, bytes) : view.getUint32(vorbis + 12, true);
};

const ofMp4 = (view, bytes) => {
  const entry = ["mp4a", "alac", "fLaC"].map((name) => find(bytes, name)).find((at) => at >= 0);
  return entry === undefined ? undefined : view.getUint16(entry + 28);
};

/** Element 0xB5 of Matroska, a float of 4 or 8 bytes. */
const ofMatroska = (view, bytes) => {
  const short = find(bytes, "\xb5\x84", 8192);
  const long = find(bytes, "\xb5\x88", 8192);
  if (short >= 0) return view.getFloat32(short + 2);
  return long < 0 ? undefined : view.getFloat64(long + 2);
};

/** Sampling rate in Hz, 48000 if it is unknown. */
export const rateOf = (view) => {
  const bytes = new Uint8Array(view.buffer);
  const starts = (text, at = 0) => find(bytes.subarray(at), text, 1) === 0;
  let rate;
  try {
    if (starts("fLaC")) rate = ofFlac(view, bytes);
    else if (starts("OggS")) rate = ofOgg(view, bytes);
    else if (starts("ftyp", 4)) rate = ofMp4(view, bytes);
    else if (starts("\x1aE\xdf\xa3")) rate = ofMatroska(view, bytes);
    else rate = ofFrames(bytes);
  } catch (error) {
    // A header that is cut: decoding tells more
    if (!(error instanceof RangeError)) throw error;
  }
  return rate >= 8000 && rate <= 192000 ? rate : DEFAULT_RATE;
};

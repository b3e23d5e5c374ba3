// Runs an npm package on what is read from standard input: a line with its folder, what to
// do, sampling rate and sizes of chunks, as JSON, then samples as float32.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const input = readFileSync(0);
const end = input.indexOf("\n");
const { folder, action, rate, sizes } = JSON.parse(input.subarray(0, end));
const signal = new Float32Array(new Uint8Array(input.subarray(end + 1)).buffer);
const { Stream, analyse, curve, model } = await import(pathToFileURL(`${folder}/index.js`));

const streamed = async () => {
  const stream = await Stream.open(rate);
  let first = 0;
  const moments = sizes.map((size) => stream.push(signal.subarray(first, (first += size))));
  return [...moments, stream.finish()];
};

const actions = {
  analyse: () => analyse(signal, rate),
  curve: () => curve(signal, rate),
  model: () => model,
  stream: streamed,
  wrong: () => analyse(Array.from(signal), rate),
};
try {
  console.log(JSON.stringify(await actions[action]()));
} catch (error) {
  console.log(JSON.stringify(`${error.name}: ${error.message}`));
}

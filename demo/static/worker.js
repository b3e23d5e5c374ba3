// Runs the model beside the page: recordings, and chunks of live speech.

import { Level } from "./level.js";
import { Stream, analyse, curve, samplingRate } from "./wav2small/index.js";

/** Whether the model runs: its files may be missing. */
const runs = () =>
  analyse(new Float32Array(samplingRate)).then(
    () => true,
    () => false,
  );

// The first run of code takes longer than all that follow; errors come again with those
runs().then(() => postMessage({ isReady: true }));

const process = async ({ signal, rate, winDur, hopDur }) => {
  const begin = performance.now();
  const total = await analyse(signal, rate);
  const latency = (performance.now() - begin) / 1000;
  return { total, latency, windows: await curve(signal, rate, { winDur, hopDur }) };
};

/** Chunks of a microphone, in order: their values, and all samples up to a limit. */
const listen = async ({ port, rate, limit }) => {
  const stream = await Stream.open(rate);
  const level = new Level(rate);
  const chunks = [];
  let next = null;
  let numLost = 0;
  port.onmessage = ({ data: { frame, samples, isLast } }) => {
    numLost += next === null ? 0 : frame - next;
    next = frame + samples.length;
    chunks.push(samples);
    const moment = stream.push(samples);
    level.push(samples);
    const isOver = moment.numSamples >= limit;
    postMessage({ moment, numLost, isOver, status: level.status });
    if (!isLast) return;
    const signal = new Float32Array(moment.numSamples);
    let first = 0;
    for (const chunk of chunks) {
      signal.set(chunk, first);
      first += chunk.length;
    }
    port.close();
    postMessage({ recording: signal }, [signal.buffer]);
  };
  port.start();
};

onmessage = async ({ data }) => {
  const { id, port } = data;
  try {
    if (port) await listen(data);
    else postMessage({ id, result: await process(data) });
  } catch (error) {
    postMessage({ id, error: `${error.name}: ${error.message}`, isLost: !(await runs()) });
  }
};

// From the microphone to the worker, without the page's thread.

import { RefusedError } from "./errors.js";

/** Processing for calls changes how speech sounds. */
const AS_IT_IS = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

export const open = async (worker, limit) => {
  let media;
  try {
    media = await navigator.mediaDevices.getUserMedia({ audio: AS_IT_IS });
  } catch {
    throw new RefusedError("There is no microphone, or this page may not use it.");
  }
  const context = new AudioContext({ latencyHint: "interactive" });
  await context.audioWorklet.addModule("recorder.js");
  const options = { numberOfOutputs: 0 };
  const node = new AudioWorkletNode(context, "recorder", options);
  const { port1, port2 } = new MessageChannel();
  const rate = context.sampleRate;
  worker.postMessage({ port: port2, rate, limit: limit * rate }, [port2]);
  node.port.postMessage({ port: port1 }, [port1]);
  context.createMediaStreamSource(media).connect(node);
  return {
    rate,
    stop: () => node.port.postMessage({ isOver: true }),
    close: () => {
      media.getTracks().forEach((track) => track.stop());
      return context.close();
    },
  };
};

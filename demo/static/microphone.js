// From the microphone to whoever processes its samples, without the page's thread.

import { RefusedError } from "./errors.js";

/** Processing for calls changes how speech sounds. */
const AS_IT_IS = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/** Browsers give no microphone to pages at http://, other than those of this computer. */
export const INSECURE = "Browsers let pages use the microphone at https:// and at localhost only.";

const REFUSED = {
  NotAllowedError: "The microphone is refused. Allow it beside the address of this page, and start again.",
  NotFoundError: "There is no microphone. Connect one, and start again.",
  NotReadableError: "Another program uses the microphone. Close it, and start again.",
};

const listen = async () => {
  if (!navigator.mediaDevices) throw new RefusedError(INSECURE);
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: AS_IT_IS });
  } catch (error) {
    throw new RefusedError(REFUSED[error.name] ?? `The microphone doesn't work: ${error.message}.`);
  }
};

/** Opens the microphone; `port` gives chunks, see recorder.js. */
export const open = async () => {
  const media = await listen();
  const [track] = media.getTracks();
  // At the rate of the microphone the browser doesn't resample
  const { sampleRate } = track.getSettings();
  const context = new AudioContext({ latencyHint: "interactive", ...(sampleRate && { sampleRate }) });
  await context.audioWorklet.addModule(new URL("recorder.js", import.meta.url));
  const node = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
  const { port1, port2 } = new MessageChannel();
  node.port.postMessage({ port: port1 }, [port1]);
  context.createMediaStreamSource(media).connect(node);
  return {
    port: port2,
    rate: context.sampleRate,
    isMuted: () => track.muted,
    isUnplugged: () => track.readyState === "ended",
    stop: () => node.port.postMessage({ isOver: true }),
    close: () => {
      track.stop();
      return context.close();
    },
  };
};

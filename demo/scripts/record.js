// Records with what the browser has, and hands the file to the upload above.

import { html } from "./dom.js";

const uploaded = async (file) => {
  const holder = document.querySelector("#speech");
  holder.querySelector("[aria-label=Clear], [aria-label='Remove this file']")?.click();
  let input = null;
  for (let tries = 0; tries < 50 && !input; tries++) {
    await new Promise((done) => setTimeout(done, 20));
    input = holder.querySelector("input[type=file]");
  }
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
};

/** Makes a button that records for so many seconds at most. */
export const open = (element, longest) => {
  const button = html("button", { type: "button" }, "Record");
  const state = html("span", { role: "status" });
  element.replaceChildren(button, state);
  let recorder = null;
  let timer;

  const ended = (words) => {
    clearInterval(timer);
    recorder = null;
    button.textContent = "Record";
    state.textContent = words;
  };

  const start = async () => {
    if (!navigator.mediaDevices) return ended("Recording needs https, or localhost.");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      return ended("The microphone can't be used. Allow it in the settings of the browser.");
    }
    const parts = [];
    const begin = Date.now();
    recorder = new MediaRecorder(stream);
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.onstop = () => {
      stream.getTracks().forEach((track) => track.stop());
      const type = recorder.mimeType.split(";")[0];
      ended("");
      uploaded(new File(parts, `recording.${type.split("/")[1]}`, { type }));
    };
    recorder.start();
    button.textContent = "Stop";
    state.textContent = "Recording. Press Stop to see how it sounds.";
    timer = setInterval(() => {
      const seconds = Math.floor((Date.now() - begin) / 1000);
      button.textContent = `Stop (${seconds} s)`;
      if (seconds >= longest) recorder.stop();
    }, 500);
  };

  button.onclick = () => (recorder ? recorder.stop() : start());
};

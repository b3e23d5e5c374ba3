// Hands over all samples of a microphone, mono, 0.02 s at a time.

const RATE = 50;

class Recorder extends AudioWorkletProcessor {
  constructor() {
    super();
    this.size = Math.round(sampleRate / RATE);
    this.chunk = new Float32Array(this.size);
    this.filled = 0;
    this.isOver = false;
    this.port.onmessage = ({ data }) => {
      if (data.port) this.out = data.port;
      else this.isOver = true;
    };
  }

  process([channels]) {
    if (!this.out) return true;
    if (this.isOver) {
      this.send(currentFrame, true);
      return false;
    }
    const length = channels[0]?.length ?? 0;
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (const channel of channels) sum += channel[i];
      this.chunk[this.filled++] = sum / channels.length;
      if (this.filled === this.size) this.send(currentFrame + i + 1, false);
    }
    return true;
  }

  /** Sends the chunk, and which frame its first sample is. */
  send(end, isLast) {
    const samples = this.chunk.slice(0, this.filled);
    this.out.postMessage({ frame: end - this.filled, samples, isLast }, [samples.buffer]);
    this.filled = 0;
  }
}

registerProcessor("recorder", Recorder);

/** What lib.dom lacks of the scope that worklets run in. */
declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

/** Samples of a message: about a twentieth of a second, so that the page is woken seldom. */
const CHUNK = 2048;

/** Passes the samples of the first input on, mixed to one channel, as they were heard: nothing is compressed. */
class PcmProcessor extends AudioWorkletProcessor {
  private chunk = new Float32Array(CHUNK);
  private filled = 0;

  process([input]: Float32Array[][]): boolean {
    const channels = input ?? [];
    const length = channels[0]?.length ?? 0;
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (const channel of channels) sum += channel[i]!;
      this.chunk[this.filled++] = sum / channels.length;
      if (this.filled === CHUNK) {
        this.port.postMessage(this.chunk, [this.chunk.buffer]);
        this.chunk = new Float32Array(CHUNK);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor('timbre-pcm', PcmProcessor);

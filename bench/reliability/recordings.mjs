// Recordings without end, no two of them the same file: pieces of synthetic speech, each with a number of its own.
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';

const SECONDS = 3;
const HEADER = 44;

const VOICES = ['m1', 'm2', 'm3', 'm4', 'f1', 'f2', 'f3', 'f4'];
const TEXT =
  'The north wind and the sun were disputing which was the stronger, when a traveller came along in a warm cloak. ' +
  'They agreed that whoever first made the traveller take off the cloak should be considered the stronger one.';

/** A WAV file. @param {string} voice of espeak-ng, which the set-up of the tests installs */
function speak(voice) {
  return execFileSync('espeak-ng', ['-v', `en-us+${voice}`, '--stdout', TEXT], { maxBuffer: 16 * 1024 * 1024 });
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @typedef {{ name: string, bytes: Uint8Array<ArrayBuffer>, sha256: string }} Recording */

export class Recordings {
  #made = 0;
  #voices;
  #random;

  /** @param {() => number} next */
  constructor(next) {
    this.#voices = VOICES.map((voice) => speak(voice));
    this.#random = next;
  }

  /** @returns {Recording} */
  next() {
    const number = ++this.#made;
    const whole = this.#voices[Math.floor(this.#random() * this.#voices.length)] ?? Buffer.alloc(0);
    const rate = whole.readUInt32LE(24);
    const block = whole.readUInt16LE(32);
    const room = Math.max(0, whole.length - HEADER - SECONDS * rate * block);
    const start = HEADER + Math.floor((this.#random() * room) / block) * block;
    const data = whole.subarray(start, start + SECONDS * rate * block);
    // The number is in a chunk that decoders pass over.
    const note = Buffer.alloc(16);
    note.write('note', 0, 'latin1');
    note.writeUInt32LE(8, 4);
    note.writeUInt32LE(number, 8);
    const head = Buffer.from(whole.subarray(0, HEADER));
    head.writeUInt32LE(HEADER - 8 + note.length + data.length, 4);
    head.writeUInt32LE(data.length, 40);
    const bytes = Uint8Array.from(Buffer.concat([head.subarray(0, 12), note, head.subarray(12), data]));
    return { name: `${number}.wav`, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
  }
}

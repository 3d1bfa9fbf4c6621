// Lines that a recording may be heard over.
import { execFileSync } from 'node:child_process';

/** `words`: what ffmpeg makes of a recording; null: it stays as it is. @typedef {{ name: string, words: readonly string[] | null }} Line */
/** @typedef {{ name: string, bytes: Uint8Array<ArrayBuffer> }} Recording */

/** @type {readonly Line[]} */
export const LINES = [
  { name: 'as it is', words: null },
  { name: 'by telephone (G.711 at 8 kHz)', words: ['-ar', '8000', '-c:a', 'pcm_alaw', '-f', 'wav'] },
  { name: 'as Opus of 8 kbit/s', words: ['-c:a', 'libopus', '-b:a', '8k', '-f', 'ogg'] },
  {
    name: 'with reflections of a room',
    words: ['-af', 'aecho=0.8:0.7:23|41|67:0.4|0.3|0.2', '-c:a', 'flac', '-f', 'flac'],
  },
];

/** @type {WeakMap<Recording, Map<Line, Recording>>} */
const heard = new WeakMap();

/** Made once. @param {Recording} recording @param {Line} line @returns {Recording} */
export function overLine(recording, line) {
  if (!line.words) return recording;
  const known = heard.get(recording) ?? new Map();
  heard.set(recording, known);
  const made = known.get(line) ?? { name: recording.name, bytes: converted(recording.bytes, line.words) };
  known.set(line, made);
  return made;
}

/** @param {Uint8Array} input @param {readonly string[]} words */
function converted(input, words) {
  const all = ['-v', 'error', '-i', 'pipe:0', '-ac', '1', ...words, 'pipe:1'];
  return Uint8Array.from(execFileSync('ffmpeg', all, { input, maxBuffer: 2 ** 28 }));
}

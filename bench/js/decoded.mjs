// Recordings as samples, decoded by ffmpeg.
import { execFileSync } from 'node:child_process';

/** Of what `decoded` gives, Hz. */
export const RATE = 16_000;

/** All channels of a recording, mixed down. @param {string} file */
export function decoded(file) {
  const words = ['-v', 'error', '-i', file, '-f', 'f32le', '-ac', '1', '-ar', String(RATE), '-'];
  const bytes = execFileSync('ffmpeg', words, { maxBuffer: 2 ** 30 });
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** Between two voices of one recording, seconds. */
const GAP_SECONDS = 0.5;

/** So many seconds from the middle, all where there are no more. @param {Float32Array} samples @param {number} seconds */
export function middle(samples, seconds) {
  const length = Math.min(samples.length, Math.round(seconds * RATE));
  const from = (samples.length - length) >> 1;
  return samples.subarray(from, from + length);
}

/**
 * A recording with the middle of another one behind, at the same level, after half a second of silence.
 * @param {Float32Array} own
 * @param {Float32Array} other
 * @param {number} seconds of the other; 0: none of it
 */
export function behind(own, other, seconds) {
  if (seconds === 0) return own;
  const piece = middle(other, seconds);
  const gain = level(own) / (level(piece) || 1);
  const gap = GAP_SECONDS * RATE;
  const all = new Float32Array(own.length + gap + piece.length);
  all.set(own);
  all.set(
    piece.map((x) => x * gain),
    own.length + gap,
  );
  return all;
}

/** @param {Float32Array} samples */
function level(samples) {
  return Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
}

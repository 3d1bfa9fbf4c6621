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

import { readFile } from 'node:fs/promises';
import { TimbreError } from '../../errors/timbre-error.js';

/** Base64 of 16-bit little-endian samples to samples in [-1, 1). Errors: INVALID_ARGUMENT. */
export function decodePcm(base64: string): Float32Array {
  const compact = base64.replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact) || compact.replace(/=+$/, '').length % 4 === 1) {
    throw new TimbreError('INVALID_ARGUMENT', 'audio_base64 is no base64');
  }
  return samplesOf(Buffer.from(compact, 'base64'));
}

/** The samples of a file of raw PCM. Errors: INVALID_ARGUMENT. */
export async function readPcm(audio: string | Buffer): Promise<Float32Array> {
  return samplesOf(typeof audio === 'string' ? await readFile(audio) : audio);
}

function samplesOf(bytes: Buffer): Float32Array {
  if (bytes.length === 0 || bytes.length % 2 !== 0) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `raw PCM is whole 16-bit samples, at least one, not ${bytes.length} bytes`,
    );
  }
  const samples = new Float32Array(bytes.length / 2);
  for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(2 * i) / 32768;
  return samples;
}

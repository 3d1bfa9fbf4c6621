import { readFile } from 'node:fs/promises';
import { TimbreError } from '../../errors/timbre-error.js';
import type { Steps } from '../../support/steps.js';
import { isEncoded } from './container-signature.js';

/** Characters, and samples, that are converted at once. */
const PIECE = 64 * 1024;

/** Most samples that are made of raw PCM; more are refused before there is memory for them. */
export interface PcmBounds {
  maxSamples: number;
  steps: Steps;
}

/** What came as text: bytes, and whether they are an encoded recording rather than raw PCM. */
export interface Sent {
  bytes: Buffer;
  encoded: boolean;
}

/**
 * The bytes of `audio_base64`, which may begin as a data: URL does. A recording is told from raw PCM by its first bytes,
 * or by the media type that such a URL names. Errors: INVALID_ARGUMENT, which repeats nothing of it.
 */
export async function decodeAudio(text: string, steps: Steps): Promise<Sent> {
  const url = /^\s*data:([^,]{0,200}),/i.exec(text);
  const parameters = url?.[1]!.split(';').map((each) => each.trim().toLowerCase()) ?? [];
  if ((url && parameters.at(-1) !== 'base64') || (!url && /^\s*data:/i.test(text))) {
    throw new TimbreError('INVALID_ARGUMENT', 'audio_base64 is a data: URL without ";base64,": send base64');
  }
  const bytes = await decodeBase64(url ? text.slice(url[0].length) : text, steps);
  return { bytes, encoded: isEncoded(bytes) || ENCODED_TYPES.test(parameters[0] ?? '') };
}

/** Media types of recordings, but those of raw PCM. */
const ENCODED_TYPES = /^(audio|video)\/(?!(x-)?(raw|pcm|l16)\b)/;

async function decodeBase64(base64: string, steps: Steps): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(Math.ceil((base64.length * 3) / 4));
  let length = 0;
  let rest = '';
  let ended = false;
  for (let at = 0; at < base64.length; at += PIECE) {
    const piece = rest + base64.slice(at, at + PIECE).replace(/\s+/g, '');
    const isLast = at + PIECE >= base64.length;
    const whole = isLast ? piece.length : piece.length - (piece.length % 4);
    // Padding is the end; nothing follows it.
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(piece) || (ended && /[^=]/.test(piece.slice(rest.length)))) throw notBase64();
    ended ||= piece.endsWith('=');
    if (isLast && piece.replace(/=+$/, '').length % 4 === 1) throw notBase64();
    length += bytes.write(piece.slice(0, whole), length, 'base64');
    rest = piece.slice(whole);
    await steps.next();
  }
  return bytes.subarray(0, length);
}

/** All bytes of an upload. Errors: those of the file system. */
export async function bytesOf(audio: string | Buffer): Promise<Buffer> {
  return typeof audio === 'string' ? readFile(audio) : audio;
}

/** 16-bit little-endian samples in [-1, 1). Errors: INVALID_ARGUMENT, AUDIO_TOO_LONG. */
export async function samplesOf(bytes: Buffer, { maxSamples, steps }: PcmBounds): Promise<Float32Array> {
  if (bytes.length === 0 || bytes.length % 2 !== 0) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `raw PCM is whole 16-bit samples, at least one, not ${bytes.length} bytes`,
    );
  }
  const count = bytes.length / 2;
  if (count > maxSamples) {
    throw new TimbreError('AUDIO_TOO_LONG', `the recording has ${count} samples; allowed are ${maxSamples}`);
  }
  const samples = new Float32Array(count);
  for (let from = 0; from < count; from += PIECE) {
    const to = Math.min(from + PIECE, count);
    for (let i = from; i < to; i++) samples[i] = bytes.readInt16LE(2 * i) / 32768;
    await steps.next();
  }
  return samples;
}

function notBase64(): TimbreError {
  return new TimbreError('INVALID_ARGUMENT', 'audio_base64 is no base64');
}

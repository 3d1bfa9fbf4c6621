import type { Readable } from 'node:stream';
import { types } from 'node:util';
import { TimbreError } from '../errors/timbre-error.js';
import { filePath, invalid, isUrl, show } from './arguments.js';
import type { Stop } from './stop.js';
import type { AudioInput } from './types.js';

/** What the addon takes: a path, the descriptor of an open file, an encoded recording, or samples. */
export interface Source {
  input: string | number | Uint8Array | Float32Array | Uint8Array[];
  /** Of samples. */
  sampleRate: number;
}

/** Highest rate that fits the addon's integers; which rates it takes is its own decision. */
const HIGHEST_RATE = 2 ** 31 - 1;

const FORMS =
  'a path, a file: URL, a Buffer or Uint8Array, { samples: Float32Array, sampleRate }, { descriptor }, or a Node stream';

/**
 * A source that is there at once, or the stream to read it from. Relative paths count from `folder`.
 * Errors: INVALID_ARGUMENT.
 */
export function toSource(input: AudioInput, folder: string): Source | Readable {
  const value: unknown = input;
  if (typeof value === 'string' || isUrl(value)) return { input: filePath('an input', value, folder), sampleRate: 0 };
  if (types.isUint8Array(value)) return { input: value, sampleRate: 0 };
  if (isReadable(value)) return value;
  if (typeof value !== 'object' || value === null) throw invalid(`an input is ${FORMS}, not ${show(value)}`);
  if (types.isAnyArrayBuffer(value)) {
    throw invalid(`an input is ${FORMS}, not ${show(value)}: pass new Uint8Array(buffer)`);
  }
  if (types.isFloat32Array(value)) {
    throw invalid('samples need their rate: pass { samples, sampleRate }');
  }
  if ('getReader' in value) {
    throw invalid(`an input is ${FORMS}, not ${show(value)}: pass Readable.fromWeb(stream)`);
  }
  if ('descriptor' in value) return { input: descriptorOf(value), sampleRate: 0 };
  if ('samples' in value || 'sampleRate' in value) return toSamples(value);
  throw invalid(`an input is ${FORMS}, not ${show(value)}`);
}

function descriptorOf({ descriptor }: { descriptor: unknown }): number {
  if (typeof descriptor !== 'number' || !Number.isInteger(descriptor) || descriptor < 0 || descriptor > HIGHEST_RATE) {
    throw invalid(`descriptor is the number of an open file, not ${show(descriptor)}`);
  }
  return descriptor;
}

function toSamples({ samples, sampleRate }: { samples?: unknown; sampleRate?: unknown }): Source {
  if (!types.isFloat32Array(samples)) {
    const convert =
      types.isTypedArray(samples) || Array.isArray(samples) ? ': pass Float32Array.from(...) of them' : '';
    throw invalid(`samples are a Float32Array of values in [-1, 1], not ${show(samples)}${convert}`);
  }
  if (typeof sampleRate !== 'number' || !Number.isInteger(sampleRate) || sampleRate < 1 || sampleRate > HIGHEST_RATE) {
    throw invalid(`sampleRate is a whole number of samples per second, not ${show(sampleRate)}`);
  }
  return { input: samples, sampleRate };
}

/** Bytes of memory that the addon copies. */
export function bytesOf({ input }: Source): number {
  if (typeof input === 'string' || typeof input === 'number') return 0;
  return Array.isArray(input) ? input.reduce((sum, { byteLength }) => sum + byteLength, 0) : input.byteLength;
}

export function isReadable(value: unknown): value is Readable {
  const { pipe, destroy } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Readable>;
  return typeof pipe === 'function' && typeof destroy === 'function' && Symbol.asyncIterator in (value as object);
}

/**
 * All bytes of a stream, in pieces; the stream is destroyed if they cannot be had. `onBytes` is told how many there are
 * before each piece is kept.
 *
 * Errors: AUDIO_TOO_LARGE above `maxBytes`, of which no more is kept; AUDIO_NOT_FOUND for a file that cannot be read;
 * AUDIO_CORRUPT for a stream that breaks off; INVALID_ARGUMENT for one that gives no bytes; what `stop` says, and what
 * `onBytes` throws.
 */
export async function readStream(
  stream: Readable,
  maxBytes: number,
  stop: Stop,
  onBytes: (bytes: number) => void,
): Promise<Uint8Array[]> {
  // Destroyed without an error: its own handlers, if any, are not told of what is not the stream's fault.
  const disarm = stop.onStop(() => stream.destroy());
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    stop.throwIfStopped();
    if (stream.destroyed) throw invalid('the stream was destroyed, or read to its end, before it was passed');
    for await (const chunk of stream) {
      if (!types.isUint8Array(chunk)) {
        throw invalid(
          `the stream gives ${show(chunk)} where it should give bytes: leave its encoding and objectMode unset`,
        );
      }
      bytes += chunk.byteLength;
      if (bytes > maxBytes) {
        throw new TimbreError('AUDIO_TOO_LARGE', `the stream has more than ${maxBytes} bytes; raise limits.maxBytes`);
      }
      onBytes(bytes);
      chunks.push(chunk);
    }
    // A stream that is destroyed without an error may just end.
    stop.throwIfStopped();
    return chunks;
  } catch (thrown) {
    stream.destroy();
    throw stop.error ?? (thrown instanceof TimbreError ? thrown : brokenOff(thrown, bytes));
  } finally {
    disarm();
  }
}

const UNREADABLE = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EISDIR', 'ELOOP', 'ENAMETOOLONG']);

function brokenOff(thrown: unknown, bytes: number): TimbreError {
  const { code, message } = (
    types.isNativeError(thrown) ? thrown : { message: String(thrown) }
  ) as NodeJS.ErrnoException;
  if (code !== undefined && UNREADABLE.has(code)) {
    return new TimbreError('AUDIO_NOT_FOUND', `the stream's file cannot be read: ${message}`, { cause: thrown });
  }
  return new TimbreError('AUDIO_CORRUPT', `the stream broke off after ${bytes} bytes: ${message}`, { cause: thrown });
}

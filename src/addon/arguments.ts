import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { fileURLToPath } from 'node:url';
import { TimbreError } from '../errors/timbre-error.js';
import { isDataUrl } from '../support/data-url.js';
import type { DecoderIsolation, PauseHandling } from './types.js';

/** Longest delay that timers take. */
export const LONGEST_MS = 2 ** 31 - 1;

export function invalid(message: string, cause?: unknown): TimbreError {
  return new TimbreError('INVALID_ARGUMENT', message, cause === undefined ? undefined : { cause });
}

/** A value as a message shows it: short, on one line. */
export function show(value: unknown): string {
  if (typeof value === 'string' && isDataUrl(value)) return 'a data: URL';
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === 'object' && value !== null) return `an object of ${constructorOf(value)}`;
  if (typeof value === 'function') return 'a function';
  return inspect(value);
}

export function constructorOf(value: object): string {
  const { constructor } = value as { constructor?: unknown };
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'no class';
}

/** Undefined gives the default. Errors: INVALID_ARGUMENT. */
export function wholeNumber(name: string, value: unknown, fallback: number, low: number, high: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return value;
  throw invalid(`${name} is a whole number from ${low} to ${high}, not ${show(value)}`);
}

/** Undefined gives the default. Errors: INVALID_ARGUMENT. */
export function number<T>(name: string, value: unknown, fallback: T, low: number, high: number): number | T {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value >= low && value <= high) return value;
  throw invalid(`${name} is a number from ${low} to ${high}, not ${show(value)}`);
}

/** Undefined gives the default. Errors: INVALID_ARGUMENT. */
export function text<T>(name: string, value: unknown, fallback: T): string | T {
  if (value === undefined) return fallback;
  if (typeof value !== 'string') throw invalid(`${name} is a text, not ${show(value)}`);
  if (value === '') throw invalid(`${name} is empty`);
  if (value.includes('\0')) throw invalid(`${name} holds a NUL character: ${show(value)}`);
  return value;
}

/** Undefined gives `none`. Errors: INVALID_ARGUMENT. */
export function decoderIsolation(value: unknown): DecoderIsolation {
  if (value === undefined || value === 'none' || value === 'process') return value ?? 'none';
  throw invalid(`isolation is 'none' or 'process', not ${show(value)}`);
}

/** An options object, or nothing. Errors: INVALID_ARGUMENT. */
export function optionsObject<T extends object>(name: string, value: T | undefined): Partial<T> {
  const given: unknown = value;
  if (given === undefined) return {};
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given;
  throw invalid(`${name} is an object, not ${Array.isArray(given) ? 'an array' : show(given)}`);
}

/**
 * A file's path, of a text or a `file:` URL. A relative one counts from `folder`, the working directory by default, as it
 * is now: a later change of directory changes nothing. Errors: INVALID_ARGUMENT.
 */
export function filePath(name: string, value: unknown, folder?: string): string {
  if (!isUrl(value)) {
    if (typeof value !== 'string') throw invalid(`${name} is a path or a file: URL, not ${show(value)}`);
    if (isDataUrl(value)) throw dataUrl(name);
    return resolve(folder ?? workingFolder(), text(name, value, value));
  }
  if (value.protocol === 'data:') throw dataUrl(name);
  if (value.protocol !== 'file:') {
    throw invalid(`${name} is the URL ${show(value.href)}; only file: URLs are read, fetch others first`);
  }
  try {
    return text(name, fileURLToPath(value), '');
  } catch (cause) {
    if (cause instanceof TimbreError) throw cause;
    throw invalid(
      `${name} is the URL ${show(value.href)}, which names no local file: ${(cause as Error).message}`,
      cause,
    );
  }
}

/** The working directory; the root where it has been removed, below which a relative path is not found. */
export function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}

/** Says nothing of what is in it: that is a voice. */
function dataUrl(name: string): TimbreError {
  return invalid(`${name} is a data: URL, not a path; decode its base64 and pass the bytes`);
}

/** By form, as Node does: a URL may come from another realm. */
export function isUrl(value: unknown): value is URL {
  const { href, protocol } = (typeof value === 'object' && value !== null ? value : {}) as Partial<URL>;
  return typeof href === 'string' && typeof protocol === 'string';
}

/** Errors: INVALID_ARGUMENT. */
export function pauseHandling(value: unknown): PauseHandling | undefined {
  if (value === undefined || value === 'cut' || value === 'keep') return value;
  throw invalid(`pauses is 'cut' or 'keep', not ${show(value)}`);
}

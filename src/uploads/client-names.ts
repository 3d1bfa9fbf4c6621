import { TimbreError } from '../common/timbre-error.js';
import type { Recording } from './recording.js';

/** An error about a recording with the client's name for it instead of our temporary file's. */
export function withClientNames(error: unknown, recordings: readonly Pick<Recording, 'path' | 'filename'>[]): unknown {
  if (!(error instanceof TimbreError)) return error;
  const message = withNames(error.message, recordings);
  if (message === error.message) return error;
  const { code, details, retryAfterSeconds } = error;
  return new TimbreError(code, message, {
    cause: error,
    details: details === undefined ? undefined : JSON.parse(withNames(JSON.stringify(details), recordings)),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

export function withNames(text: string, recordings: readonly Pick<Recording, 'path' | 'filename'>[]): string {
  return recordings.reduce((result, { path, filename }) => result.replaceAll(path, filename || 'recording'), text);
}

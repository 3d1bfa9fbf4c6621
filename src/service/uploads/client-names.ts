import { TimbreError } from '../../errors/timbre-error.js';
import type { Recording } from './recording.js';

type Named = Pick<Recording, 'audio' | 'filename'>;

/** How the addon begins what it says about a recording in memory. */
const IN_MEMORY = /^the recording\b/;

/** An error about a recording with the client's name for it instead of our temporary file's. */
export function withClientNames(error: unknown, recordings: readonly Named[]): unknown {
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

/**
 * A text about these recordings with the client's names instead of ours. One in memory has none of ours: it is named
 * where it is the only one.
 */
export function withNames(text: string, recordings: readonly Named[]): string {
  const [first] = recordings;
  if (recordings.length === 1 && typeof first!.audio !== 'string' && first!.filename !== '') {
    return text.replace(IN_MEMORY, () => `'${first!.filename}'`);
  }
  return recordings.reduce((result, { audio, filename }) => {
    return typeof audio === 'string' ? result.replaceAll(audio, filename || 'recording') : result;
  }, text);
}

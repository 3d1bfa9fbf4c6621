import { TimbreError } from '../../errors/timbre-error.js';
import { plainText } from '../../support/plain-text.js';

/** What callers note of a speaker: text by name. */
export type Metadata = Readonly<Record<string, string>>;

export const MOST_ENTRIES = 32;
export const LONGEST_KEY = 64;
export const LONGEST_VALUE = 500;
/** Of all keys and values of one speaker, in UTF-8. */
export const MOST_BYTES = 8 * 1024;

const KEY = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._~@:/+-]*$/u;

/** As it is stored: in the order of its keys. Errors: INVALID_ARGUMENT. */
export function speakerMetadata(given: Readonly<Record<string, string>>): Metadata {
  const entries = Object.entries(given);
  if (entries.length > MOST_ENTRIES) {
    throw invalid(`metadata has ${entries.length} entries; a speaker may have ${MOST_ENTRIES}`);
  }
  const checked = entries.map(([key, value]) => metadataEntry(key, value));
  const bytes = checked.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (bytes > MOST_BYTES) throw invalid(`metadata has ${bytes} bytes; a speaker may have ${MOST_BYTES}`);
  const made = Object.fromEntries(checked.sort(([a], [b]) => (a < b ? -1 : 1)));
  if (Object.keys(made).length < checked.length) throw invalid('two keys of metadata are one in normal form C');
  return made;
}

/** One entry of it in normal form C. Errors: INVALID_ARGUMENT. */
export function metadataEntry(key: string, value: string): [key: string, value: string] {
  const name = plainText('a key of metadata', key, LONGEST_KEY);
  if (!KEY.test(name)) {
    throw invalid(
      'a key of metadata begins with a letter or digit and has only letters, digits and . _ ~ @ : / + - after it',
    );
  }
  return [name, plainText(`metadata.${name}`, value, LONGEST_VALUE)];
}

function invalid(message: string): TimbreError {
  return new TimbreError('INVALID_ARGUMENT', message);
}

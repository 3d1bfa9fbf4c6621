import { plainText } from './plain-text.js';
import { TimbreError } from '../errors/timbre-error.js';

export const LONGEST_ID = 128;

// Letters and digits of any script first, so that no id is a relative path, an option or an empty string.
const ID = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._~@:+-]*$/u;

/** A caller's id in normal form C. Errors: INVALID_ARGUMENT. */
export function speakerId(value: string): string {
  const id = plainText('the speaker id', value, LONGEST_ID);
  if (!ID.test(id)) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      'the speaker id begins with a letter or digit and has only letters, digits and . _ ~ @ : + - after it',
    );
  }
  return id;
}

import { TimbreError } from '../errors/timbre-error.js';

// Control characters, line and paragraph separators, halves of surrogate pairs, and what turns text around (bidi).
const NOT_PLAIN = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202A-\u202E\u2066-\u2069]/u;

/**
 * One line of text for people, in any script: trimmed and in normal form C, so that what looks the same is the same.
 * Errors: INVALID_ARGUMENT for nothing, more than `longest` characters, or control characters; `what` names it.
 */
export function plainText(what: string, value: string, longest: number): string {
  // Measured before it is normalised: that takes time, and text can grow by it.
  if (value.length > 4 * longest) throw tooLong(what, longest);
  const text = value.trim().normalize('NFC');
  if (text === '') throw new TimbreError('INVALID_ARGUMENT', `${what} is empty`);
  if (Array.from(text).length > longest) throw tooLong(what, longest);
  if (NOT_PLAIN.test(text)) {
    throw new TimbreError('INVALID_ARGUMENT', `${what} has control characters; it is one line of plain text`);
  }
  return text;
}

function tooLong(what: string, longest: number): TimbreError {
  return new TimbreError('INVALID_ARGUMENT', `${what} is longer than ${longest} characters`);
}

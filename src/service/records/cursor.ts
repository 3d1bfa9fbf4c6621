import { TimbreError } from '../../errors/timbre-error.js';

/** Where a page of a list begins: after this row. */
export interface Cursor {
  createdAt: Date;
  id: string;
}

/** A place in the list as the text that callers hand back. */
export function encodeCursor({ createdAt, id }: Cursor): string {
  return Buffer.from(JSON.stringify([createdAt.getTime(), id])).toString('base64url');
}

/** Errors: INVALID_ARGUMENT. */
export function decodeCursor(text: string): Cursor {
  try {
    const [time, id, ...rest] = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as unknown[];
    if (Number.isSafeInteger(time) && typeof id === 'string' && rest.length === 0) {
      return { createdAt: new Date(time as number), id };
    }
  } catch {
    // Said below.
  }
  throw new TimbreError('INVALID_ARGUMENT', 'the cursor is not one that this list gave; begin without one');
}

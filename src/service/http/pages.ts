import { z } from 'zod';
import { TimbreError } from '../../errors/timbre-error.js';

/*
 * Every list of the API is read in pages of one style: `limit` and `cursor` in the query, `nextCursor` in the answer, null
 * on the last page. A cursor is the place after a row, so that rows that come and go move no other row to another page.
 */

/** What tells the place of a row in the order of its list. */
export type PlaceKey = readonly (number | string)[];

type KindsOf<Key extends PlaceKey> = { [I in keyof Key]: Key[I] extends number ? 'number' : 'string' };

export const nextCursorView = z
  .string()
  .nullable()
  .meta({ description: '`cursor` of the next page; null on the last one.' });

/** The fields of a list's query. `what`: the rows, for people. */
export function pageQuery(
  what: string,
  { most, usual }: { most: number; usual: number },
): {
  limit: z.ZodDefault<z.ZodCoercedNumber>;
  cursor: z.ZodOptional<z.ZodString>;
} {
  return {
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(most)
      .default(usual)
      .meta({ description: `${what} on the page.` }),
    cursor: z.string().max(1000).optional().meta({ description: '`nextCursor` of the page before.' }),
  };
}

/** The order of one list, and its cursors. */
export class Places<Key extends PlaceKey> {
  /** `list` keeps the cursor of one list from being taken for that of another. */
  constructor(
    private readonly list: string,
    private readonly kinds: KindsOf<Key>,
  ) {}

  encode(key: Key): string {
    return Buffer.from(JSON.stringify([this.list, ...key])).toString('base64url');
  }

  /** Null where there is no cursor: the beginning. Errors: INVALID_ARGUMENT. */
  decode(text: string | undefined): Key | null {
    if (text === undefined) return null;
    try {
      const [list, ...key] = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as unknown[];
      const fits = key.length === this.kinds.length && key.every((value, i) => isOf(this.kinds[i], value));
      if (list === this.list && fits) return key as unknown as Key;
    } catch {
      // Said below.
    }
    throw new TimbreError('INVALID_ARGUMENT', 'the cursor is not one that this list gave; begin without one');
  }

  /** The page out of `limit` + 1 rows, of which the last one only tells whether there is another page. */
  page<Row>(
    found: readonly Row[],
    limit: number,
    keyOf: (row: Row) => Key,
  ): { rows: Row[]; nextCursor: string | null } {
    const rows = found.slice(0, limit);
    const last = found.length > limit ? rows.at(-1) : undefined;
    return { rows, nextCursor: last === undefined ? null : this.encode(keyOf(last)) };
  }
}

function isOf(kind: 'number' | 'string' | undefined, value: unknown): boolean {
  return kind === 'number' ? Number.isSafeInteger(value) : typeof value === 'string';
}

import type { Steps } from './steps.js';

/**
 * The rows of a list page by page, none of them empty. `read` gives the rows after one, or from the beginning.
 * Errors: those of `read` and of the steps.
 */
export async function* readPages<Row>(
  steps: Steps,
  size: number,
  read: (after: Row | null, limit: number) => Promise<Row[]>,
): AsyncGenerator<Row[]> {
  for (let after: Row | null = null; ;) {
    await steps.next();
    const rows: Row[] = await read(after, size);
    if (rows.length > 0) yield rows;
    if (rows.length < size) return;
    after = rows.at(-1)!;
  }
}

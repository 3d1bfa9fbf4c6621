/** Kinds of pages that hold rows, by their first byte: inner and leaf pages of indexes and of tables. */
const KINDS: Readonly<Record<number, { header: number }>> = {
  0x02: { header: 12 },
  0x05: { header: 12 },
  0x0a: { header: 8 },
  0x0d: { header: 8 },
};

/** Bytes at the beginning of a piece of free space that lead to the next one and tell its length. */
const PIECE_HEADER = 4;

/**
 * Sets to zero what a page of a b-tree does not use: the gap between its list of cells and the cells, and the pieces that
 * lie free between those. What SQLite splits, joins or moves leaves copies of rows there, which `secure_delete` does not
 * overwrite. Left are gaps of at most three bytes, and the pages that hold no cells: SQLite clears those when they become
 * free. True where the page was changed.
 *
 * Pages other than 1, of files of fewer than 2^25 pages: beyond, a page that goes on with a long row could begin with the
 * byte of a kind. (https://www.sqlite.org/fileformat2.html, 1.6)
 */
export function clearUnusedBytes(page: Buffer): boolean {
  const kind = KINDS[page[0] ?? 0];
  if (!kind) return false;
  const cells = page.readUInt16BE(3);
  const contents = page.readUInt16BE(5) || 65_536;
  let changed = clear(page, kind.header + 2 * cells, Math.min(contents, page.length));
  let piece = page.readUInt16BE(1);
  while (piece >= contents && piece + PIECE_HEADER <= page.length) {
    const next = page.readUInt16BE(piece);
    const end = piece + page.readUInt16BE(piece + 2);
    if (end > page.length) break;
    changed = clear(page, piece + PIECE_HEADER, end) || changed;
    // In the order of their places: anything else is damage, and not ours to touch.
    if (next !== 0 && next < end) break;
    piece = next;
  }
  return changed;
}

function clear(page: Buffer, from: number, to: number): boolean {
  if (from >= to) return false;
  const part = page.subarray(from, to);
  if (isClear(part)) return false;
  part.fill(0);
  return true;
}

/** By comparing with itself a byte further on: the quick way to look at kilobytes. */
function isClear(part: Buffer): boolean {
  return part[0] === 0 && part.subarray(1).equals(part.subarray(0, -1));
}

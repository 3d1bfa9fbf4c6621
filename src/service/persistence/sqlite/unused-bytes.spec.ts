import { describe, expect, test } from '@jest/globals';
import { clearUnusedBytes } from './unused-bytes.js';

const LEAF = 0x0d;
const INNER = 0x05;

/** A page of 512 bytes, all of it in use or full of old bytes, with two cells and pieces of free space. */
function page({ kind = LEAF, contents = 300, pieces = [] as [at: number, bytes: number][] } = {}): Buffer {
  const made = Buffer.alloc(512, 0xee);
  made[0] = kind;
  made.writeUInt16BE(pieces[0]?.[0] ?? 0, 1);
  made.writeUInt16BE(2, 3);
  made.writeUInt16BE(contents, 5);
  pieces.forEach(([at, bytes], i) => {
    made.writeUInt16BE(pieces[i + 1]?.[0] ?? 0, at);
    made.writeUInt16BE(bytes, at + 2);
  });
  return made;
}

/** Where a page differs from what it was: [from, to). */
function difference(before: Buffer, after: Buffer): [number, number][] {
  const ranges: [number, number][] = [];
  for (let i = 0; i < before.length; i++) {
    if (before[i] === after[i]) continue;
    const last = ranges.at(-1);
    if (last?.[1] === i) last[1]++;
    else ranges.push([i, i + 1]);
  }
  return ranges;
}

describe('the unused bytes of a page', () => {
  test.each([
    ['a leaf', LEAF, 8],
    ['an inner page, whose header is longer', INNER, 12],
  ])('are those between the list of cells and the cells: %s', (_, kind, header) => {
    const before = page({ kind });
    const after = Buffer.from(before);
    expect(clearUnusedBytes(after)).toBe(true);
    expect(difference(before, after)).toEqual([[header + 4, 300]]);
    expect(clearUnusedBytes(after)).toBe(false);
  });

  test('and those of the pieces between the cells, but for what leads from one to the next', () => {
    const before = page({
      pieces: [
        [320, 20],
        [400, 112],
      ],
    });
    const after = Buffer.from(before);
    expect(clearUnusedBytes(after)).toBe(true);
    expect(difference(before, after)).toEqual([
      [12, 300],
      [324, 340],
      [404, 512],
    ]);
  });

  test('are none of a page that holds no cells', () => {
    for (const first of [0x00, 0x01, 0x0e, 0xff]) {
      const other = page({ kind: first });
      expect(clearUnusedBytes(other)).toBe(false);
      expect(other).toEqual(page({ kind: first }));
    }
  });

  test('a zero for where the cells begin is 65,536', () => {
    const full = Buffer.alloc(65_536, 0xee);
    full[0] = LEAF;
    full.writeUInt16BE(0, 1);
    full.writeUInt16BE(0, 3);
    full.writeUInt16BE(0, 5);
    expect(clearUnusedBytes(full)).toBe(true);
    expect(full.subarray(8).every((byte) => byte === 0)).toBe(true);
  });

  test('of a damaged page are left where they cannot be told: a piece beyond the page, a circle of pieces', () => {
    const beyond = page({ pieces: [[500, 100]] });
    clearUnusedBytes(beyond);
    expect(beyond.subarray(300)).toEqual(page({ pieces: [[500, 100]] }).subarray(300));
    const circle = page({ pieces: [[320, 20]] });
    circle.writeUInt16BE(320, 320);
    expect(clearUnusedBytes(circle)).toBe(true);
    expect(circle.subarray(344)).toEqual(page().subarray(344));
  });
});

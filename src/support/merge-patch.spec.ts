import { describe, expect, it } from '@jest/globals';
import { mergePatch } from './merge-patch.js';

/** RFC 7386, section 2. */
function applied(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const known = typeof target === 'object' && target !== null && !Array.isArray(target) ? Object.entries(target) : [];
  const result = new Map<string, unknown>(known);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name);
    else result.set(name, applied(result.get(name), value));
  }
  return Object.fromEntries(result);
}

describe('mergePatch', () => {
  it.each([
    [
      { a: 1, b: { c: 2, d: 3 } },
      { a: 2, b: { d: 4 } },
    ],
    [{ quality: { logRecordings: -0.8 } }, { quality: {} }],
    [
      { a: [1, 2], b: 'x' },
      { a: [1], c: { d: { e: 1 } } },
    ],
    [{ a: { b: 1 } }, { a: 1 }],
    [{ a: 1 }, { a: { b: 1 } }],
    [{}, {}],
  ])('turns %j into %j', (before, after) => {
    expect(applied(before, mergePatch(before, after))).toEqual(after);
  });
});

import { expect } from '@jest/globals';

/**
 * Bytes that are the same are equal at once: jest compares arrays number by number, which takes ten seconds for a few megabytes.
 * Others it compares itself, and says where they differ.
 * @param {unknown} a
 * @param {unknown} b
 */
function areSameBytes(a, b) {
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || a.constructor !== b.constructor) return undefined;
  const [one, other] = [a, b].map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength));
  return one?.equals(/** @type {Buffer} */ (other)) ? true : undefined;
}

expect.addEqualityTesters([areSameBytes]);

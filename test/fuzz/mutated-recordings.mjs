// Recordings of every format, damaged: each is a function of a seed and a number.
import { Buffer } from 'node:buffer';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const CORPUS = fileURLToPath(new URL('corpus/decode/', import.meta.url));

/** Values that sizes and counts are wrong by. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

/** Numbers in [0, most), the same for the same seed and number (mulberry32). */
function dice(/** @type {number} */ seed, /** @type {number} */ index) {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0;
  return (/** @type {number} */ most) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % most;
  };
}

/** @returns {{ name: string, bytes: Buffer }[]} the recordings of the corpus, in the order of their names */
export function corpus() {
  return readdirSync(CORPUS)
    .sort()
    .map((name) => ({ name, bytes: readFileSync(CORPUS + name) }))
    .filter(({ bytes }) => bytes.length > 0);
}

/**
 * One damaged recording.
 * @param {{ name: string, bytes: Buffer }[]} originals
 * @param {number} seed
 * @param {number} index
 */
export function mutated(originals, seed, index) {
  const roll = dice(seed, index);
  const original = originals[index % originals.length];
  if (!original) throw new Error('there are no recordings to damage');
  let bytes = Buffer.from(original.bytes);
  // Headers are a small part of a recording, and most of what can be wrong with it.
  const place = () => (roll(2) === 0 ? roll(Math.min(bytes.length, 512)) : roll(bytes.length));
  for (let left = 1 + roll(6); left > 0 && bytes.length > 8; left--) {
    const at = place();
    switch (roll(7)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << roll(8));
        break;
      case 1:
        bytes[at] = roll(256);
        break;
      case 2: {
        const edge = EDGES[roll(EDGES.length)] ?? 0;
        const start = Math.min(at, bytes.length - 4);
        if (roll(2) === 0) bytes.writeUInt32LE(edge, start);
        else bytes.writeUInt32BE(edge, start);
        break;
      }
      case 3:
        bytes = bytes.subarray(0, Math.max(1, at));
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + roll(64)))]);
        break;
      case 5: {
        const from = roll(bytes.length);
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(from, from + 1 + roll(256)), bytes.subarray(at)]);
        break;
      }
      default: {
        const other = originals[roll(originals.length)]?.bytes ?? bytes;
        bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(roll(other.length))]);
      }
    }
  }
  // Nobody reads a page of Ogg whose checksum is wrong.
  if (roll(8) !== 0) signOggPages(bytes);
  return { name: original.name, bytes };
}

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

/** Gives every page that is whole its checksum again. @param {Buffer} bytes */
function signOggPages(bytes) {
  for (let at = bytes.indexOf('OggS'); at >= 0; at = bytes.indexOf('OggS', at + 4)) {
    const segments = bytes[at + 26];
    if (segments === undefined || at + 27 + segments > bytes.length) return;
    let end = at + 27 + segments;
    for (const size of bytes.subarray(at + 27, end)) end += size;
    if (end > bytes.length) continue;
    bytes.writeUInt32LE(0, at + 22);
    let crc = 0;
    for (const byte of bytes.subarray(at, end)) crc = ((crc << 8) ^ (CRC[((crc >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0;
    bytes.writeUInt32LE(crc, at + 22);
  }
}

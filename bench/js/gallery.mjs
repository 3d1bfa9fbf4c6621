// What do voices that can be identified take of a node's memory? In the native core and on V8's heap, by their number.
//
//   npm run build && node --expose-gc bench/js/gallery.mjs [--most 400000] [--out FILE]
//
// The gallery is the service's own; its voices come from memory in the place of a database, and belong to no group.
import 'reflect-metadata';
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import v8 from 'node:v8';
import { NativeVoiceIndex } from '../../dist/service/voices/native-voice-index.js';
import { describeMachine, residentMb, ROOT } from './machine.mjs';

const { values } = parseArgs({
  options: {
    most: { type: 'string', default: '400000' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'gallery.md') },
  },
});
const most = Number(values.most);
const DIMENSION = 192;
const { gc } = globalThis;
if (!gc) throw new Error('start it with node --expose-gc');

// Lehmer's generator.
let state = 7;
const random = () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647 - 0.5;
const vector = () => Float32Array.from({ length: DIMENSION }, random);
/** In one piece, as texts from a database are. */
const uuid = () => Buffer.from(randomUUID()).toString('latin1');

/** A gallery of so many voices, built as a node builds it at its start. @param {number} count */
async function galleryOf(count) {
  let made = 0;
  const profiles = {
    /** @param {number} limit */
    voices: (/** @type {unknown} */ _origin, /** @type {unknown} */ _after, limit) =>
      Array.from({ length: Math.min(limit, count - made) }, () => {
        made++;
        const [subject, speakerId] = [uuid(), uuid()];
        return {
          subject,
          speakerId,
          groups: [],
          centroid: vector(),
          speechSeconds: 30,
          recordings: 3,
          consented: true,
        };
      }),
  };
  const index = new NativeVoiceIndex(
    /** @type {any} */ ({ read: async (/** @type {(records: object) => unknown} */ work) => work({ profiles }) }),
    /** @type {any} */ ({ head: async () => 0, after: async () => [] }),
    /** @type {any} */ ({ ready: async () => undefined }),
    /** @type {any} */ ({ origin: () => ({}), dimension: () => DIMENSION }),
  );
  await index.ready();
  return index;
}

function memory() {
  gc?.();
  gc?.();
  return { resident: residentMb() * 1e6, heap: process.memoryUsage().heapUsed };
}

const machine = describeMachine();
await galleryOf(1000);
const rows = [];
/** @type {NativeVoiceIndex[]} kept: memory that was given back would be taken again */
const kept = [];
for (const count of [most / 4, most / 2, most]) {
  const before = memory();
  const index = await galleryOf(count);
  kept.push(index);
  const after = memory();
  const heap = (after.heap - before.heap) / count;
  const native = (after.resident - before.resident) / count - heap;
  rows.push(`| ${count} | ${native.toFixed(0)} | ${heap.toFixed(0)} | ${(native + heap).toFixed(0)} |`);
  process.stderr.write(`${rows.at(-1)}\n`);
}
const report = `# Voices in the memory of a node

\`node --expose-gc bench/js/gallery.mjs\`

${machine}

Bytes a voice of ${DIMENSION} dimensions, which are ${DIMENSION * 4} bytes in any case, of people in no group. Where nothing else is said
(\`NODE_OPTIONS=--max-old-space-size\`), the heap of V8 is limited to ${(v8.getHeapStatistics().heap_size_limit / 2 ** 20).toFixed(0)} MiB on this machine.

| voices | native | V8's heap | together |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
writeFileSync(values.out, report);
process.stdout.write(report);

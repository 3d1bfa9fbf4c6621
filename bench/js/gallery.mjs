// What do voices that can be identified take of a node's memory, in the native core and on V8's heap, and how long is one looked
// for among them? By their number, with vectors as they are and rounded.
//
//   npm run build && node --expose-gc bench/js/gallery.mjs [--most 1000000] [--out FILE]
//
// The index is the service's own; its voices come from memory in the place of a database, and belong to no group.
import 'reflect-metadata';
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import v8 from 'node:v8';
import { Gallery } from '../../dist/addon/gallery.js';
import { NativeVoiceIndex } from '../../dist/service/voices/native-voice-index.js';
import { describeMachine, residentMb, ROOT } from './machine.mjs';

const { values } = parseArgs({
  options: {
    most: { type: 'string', default: '1000000' },
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

/**
 * An index of so many voices, built as a node builds it at its start.
 * @param {number} count
 * @param {'native' | 'compact'} kind
 */
async function indexOf(count, kind) {
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
    kind,
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
const KINDS = /** @type {const} */ (['native', 'compact']);
for (const kind of KINDS) await indexOf(1000, kind);
const rows = [];
/** @type {NativeVoiceIndex[]} kept: memory that was given back would be taken again */
const kept = [];
for (const kind of KINDS) {
  for (const count of [most / 4, most / 2, most]) {
    const before = memory();
    const index = await indexOf(count, kind);
    kept.push(index);
    const after = memory();
    const heap = (after.heap - before.heap) / count;
    const native = (after.resident - before.resident) / count - heap;
    rows.push(`| ${kind} | ${count} | ${native.toFixed(0)} | ${heap.toFixed(0)} | ${(native + heap).toFixed(0)} |`);
    process.stderr.write(`${rows.at(-1)}\n`);
  }
}
kept.length = 0;
memory();

const SEARCHES = 50;
const NEAREST = 10;
const searched = [];
for (const count of [most / 10, most]) {
  const exact = new Gallery(DIMENSION);
  const rounded = new Gallery(DIMENSION, { rounded: true });
  for (let key = 0; key < count; key++) {
    const drawn = vector();
    exact.put(key, drawn);
    rounded.put(key, drawn);
  }
  /** @type {Map<string, number[]>} */
  const times = new Map(KINDS.map((kind) => [kind, []]));
  const found = { most: 0, sum: 0, kept: 0 };
  for (let i = 0; i < SEARCHES; i++) {
    const query = vector();
    /** @param {string} kind @param {Gallery} gallery */
    const timed = async (kind, gallery) => {
      const began = performance.now();
      const matches = await gallery.top(query, NEAREST);
      times.get(kind)?.push(performance.now() - began);
      return matches;
    };
    const nearest = await timed('native', exact);
    const candidates = await timed('compact', rounded);
    const keys = new Set(candidates.map(({ key }) => key));
    found.kept += nearest.filter(({ key }) => keys.has(key)).length;
    found.sum += candidates.length;
    found.most = Math.max(found.most, candidates.length);
  }
  for (const kind of KINDS) {
    const sorted = (times.get(kind) ?? []).sort((one, other) => one - other);
    const told =
      kind === 'native'
        ? [`${NEAREST}`, '1']
        : [`${(found.sum / SEARCHES).toFixed(1)}, at most ${found.most}`, String(found.kept / SEARCHES / NEAREST)];
    const cells = [kind, count, sorted[0]?.toFixed(1), sorted[SEARCHES / 2]?.toFixed(1), ...told];
    searched.push(`| ${cells.join(' | ')} |`);
    process.stderr.write(`${searched.at(-1)}\n`);
  }
}

const report = `# Voices in the memory of a node

\`node --expose-gc bench/js/gallery.mjs\`

${machine}

Bytes a voice of ${DIMENSION} dimensions, of people in no group. Its numbers are ${DIMENSION * 4} bytes in any case with \`TIMBRE_VECTOR_INDEX=native\`,
and ${DIMENSION} with \`compact\`; the rest of what is native is keys. Where nothing else is said (\`NODE_OPTIONS=--max-old-space-size\`),
the heap of V8 is limited to ${(v8.getHeapStatistics().heap_size_limit / 2 ** 20).toFixed(0)} MiB on this machine.

| index | voices | native | V8's heap | together |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

## Searching

${SEARCHES} searches for the ${NEAREST} nearest, one after the other, on one thread; vectors and queries are drawn. A compact index finds all that
may be among the nearest, whose profiles are then read: their number is that of the profiles. Recall: share of the ${NEAREST} nearest by exact
cosines that are among them. The fastest is nearest to what a search takes on a machine that does nothing else.

| index | voices | ms, fastest | ms, median | found | recall |
| --- | ---: | ---: | ---: | ---: | ---: |
${searched.join('\n')}
`;
writeFileSync(values.out, report);
process.stdout.write(report);

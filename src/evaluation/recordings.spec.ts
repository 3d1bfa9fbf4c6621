import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BatchItem, EmbedResult } from '../addon/types.js';
import { TimbreError } from '../errors/timbre-error.js';
import { EmbeddingCache } from './embedding-cache.js';
import { embedRecordings, readEmbeddings, vectorOf, type RecordingEncoder } from './recordings.js';

let folder: string;
let root: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-recordings-'));
  root = folder;
});
afterEach(() => rm(folder, { recursive: true }));

/** Embeds a recording as the first numbers of its bytes, and remembers what it was asked for. */
class BytesEncoder implements RecordingEncoder {
  asked: string[] = [];

  async embedBatch(inputs: string[]): Promise<BatchItem[]> {
    this.asked.push(...inputs.map((input) => input.slice(folder.length + 1)));
    return Promise.all(
      inputs.map(async (path, index) => {
        const bytes = await readFile(path).catch(() => undefined);
        if (!bytes) return { index, error: new TimbreError('AUDIO_NOT_FOUND', `no ${path}`) };
        return {
          index,
          result: {
            embedding: Float32Array.from(bytes.subarray(0, 2)),
            audio: { seconds: 3 },
            speech: { seconds: 2 },
          } as EmbedResult,
        };
      }),
    );
  }
}

async function recordings(count: number): Promise<string[]> {
  const paths = Array.from({ length: count }, (_, i) => `r${i}.wav`);
  await Promise.all(paths.map((path, i) => writeFile(join(root, path), Uint8Array.from([i + 1, 100, 0]))));
  return paths;
}

const cacheOf = (): EmbeddingCache => EmbeddingCache.of(join(folder, 'cache'), 'model@1');

describe('embedRecordings', () => {
  it('embeds what the cache lacks, and gives the same vectors from it', async () => {
    const paths = await recordings(150);
    const first = new BytesEncoder();
    const before = await embedRecordings(first, paths.slice(0, 140), { root, dim: 2, cache: cacheOf() });
    expect(first.asked).toHaveLength(140);

    const second = new BytesEncoder();
    const seen: number[][] = [];
    const after = await embedRecordings(second, paths, {
      root,
      dim: 2,
      cache: cacheOf(),
      onProgress: (...p) => seen.push(p),
    });
    expect(second.asked).toEqual(paths.slice(140));
    for (const path of paths.slice(0, 140)) expect(vectorOf(after, path)).toEqual(vectorOf(before, path));
    expect(seen[0]).toEqual([140, 140, 0]);
    expect(seen.at(-1)).toEqual([150, 140, 0]);
    const vector = vectorOf(after, 'r2.wav')!;
    expect(Math.hypot(...vector)).toBeCloseTo(1, 6);
    expect(vector[0]! / vector[1]!).toBeCloseTo(0.03, 6);
    expect(after.seconds[2]).toBe(2);
  });

  it('goes by content: a recording that changed is embedded again, a copy is not', async () => {
    const paths = await recordings(2);
    await embedRecordings(new BytesEncoder(), paths, { root, dim: 2, cache: cacheOf() });
    await writeFile(join(root, 'r0.wav'), Uint8Array.from([77, 1]));
    await writeFile(join(root, 'copy.wav'), Uint8Array.from([2, 100, 0]));
    const encoder = new BytesEncoder();
    const table = await embedRecordings(encoder, ['r0.wav', 'copy.wav'], { root, dim: 2, cache: cacheOf() });
    expect(encoder.asked).toEqual(['r0.wav']);
    expect(vectorOf(table, 'copy.wav')![0]).toBeCloseTo(0.02, 3);
  });

  it('passes over a line that a crash cut short', async () => {
    const paths = await recordings(3);
    const cache = cacheOf();
    await embedRecordings(new BytesEncoder(), paths, { root, dim: 2, cache });
    await truncate(cache.path, (await readFile(cache.path)).length - 20);
    const encoder = new BytesEncoder();
    await embedRecordings(encoder, paths, { root, dim: 2, cache });
    expect(encoder.asked).toEqual(['r2.wav']);
    const again = new BytesEncoder();
    await embedRecordings(again, paths, { root, dim: 2, cache });
    expect(again.asked).toEqual([]);
  });

  it('keeps models and cuts apart', async () => {
    const paths = await recordings(1);
    await embedRecordings(new BytesEncoder(), paths, { root, dim: 2, cache: cacheOf() });
    for (const other of [
      EmbeddingCache.of(join(folder, 'cache'), 'model@2'),
      EmbeddingCache.of(join(folder, 'cache'), 'model@1', 'cut-2'),
    ]) {
      const encoder = new BytesEncoder();
      await embedRecordings(encoder, paths, { root, dim: 2, cache: other });
      expect(encoder.asked).toEqual(paths);
    }
  });

  it('reports recordings that fail and goes on', async () => {
    const paths = [...(await recordings(2)), 'gone.wav'];
    const table = await embedRecordings(new BytesEncoder(), paths, { root, dim: 2, cache: cacheOf() });
    expect(table.failed).toMatchObject([{ path: 'gone.wav', error: { code: 'AUDIO_NOT_FOUND' } }]);
    expect(vectorOf(table, 'gone.wav')).toBeUndefined();
    expect(vectorOf(table, 'r1.wav')).toBeDefined();
  });

  it('stops when it is told to', async () => {
    const paths = await recordings(2);
    const signal = AbortSignal.abort(new TimbreError('ABORTED', 'stopped'));
    await expect(
      embedRecordings(new BytesEncoder(), paths, { root, dim: 2, cache: cacheOf(), signal }),
    ).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });

  it('says what to do about a cache that cannot be written', async () => {
    const paths = await recordings(1);
    await writeFile(join(folder, 'cache'), 'no folder');
    await expect(embedRecordings(new BytesEncoder(), paths, { root, dim: 2, cache: cacheOf() })).rejects.toThrow(
      '--no-cache',
    );
  });
});

describe('readEmbeddings', () => {
  it('reads the lines that are wanted, at unit length', async () => {
    const file = join(folder, 'e.jsonl');
    await writeFile(file, '{"path":"a","embedding":[3,4],"speech":{"seconds":1.5}}\n\n{"path":"z","embedding":[1]}\n');
    await appendFile(file, '{"path":"b","error":{"code":"NO_SPEECH"}}\n');
    const table = await readEmbeddings(file, ['a', 'b', 'c']);
    expect(vectorOf(table, 'a')![1]).toBeCloseTo(0.8, 6);
    expect(table.seconds[0]).toBe(1.5);
    expect(table.failed.map(({ path }) => path)).toEqual(['b', 'c']);
  });

  it.each([
    ['{"path":"a","embedding":[1,2]}\n{"path":"b","embedding":[1]}', /:2: the embedding is not of 2 numbers/],
    ['{"path":"a","embedding":[1,null]}', /:1: the embedding is not of 2 numbers/],
    ['{"path":', /cannot read .*:1/],
  ])('refuses %s', async (text, message) => {
    const file = join(folder, 'e.jsonl');
    await writeFile(file, text);
    await expect(readEmbeddings(file, ['a', 'b'])).rejects.toThrow(message);
  });
});

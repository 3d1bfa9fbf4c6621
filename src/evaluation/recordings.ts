import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { BatchItem, BatchOptions, EmbedResult, PauseHandling } from '../addon/types.js';
import { TimbreError } from '../errors/timbre-error.js';
import { stateOf } from '../support/files.js';
import { contentHash, type EmbeddingCache, type StoredEmbedding } from './embedding-cache.js';
import { toUnit } from './normalise.js';

/** Unit-length embeddings of recordings, row-major [rows, dim]; row `rows.get(path)` is of that recording. */
export interface EmbeddingTable {
  dim: number;
  rows: Map<string, number>;
  vectors: Float32Array;
  /** Seconds of speech of each row; NaN where unknown. */
  seconds: Float32Array;
  /** Recordings without an embedding, and why. */
  failed: { path: string; error: TimbreError }[];
}

/** What of an encoder is needed to embed recordings. */
export interface RecordingEncoder {
  embedBatch(inputs: string[], options?: BatchOptions): Promise<BatchItem[]>;
}

export interface EmbedRecordingsOptions {
  /** Folder that relative paths start from. */
  root: string;
  dim: number;
  cache?: EmbeddingCache | undefined;
  cutSeconds?: number | undefined;
  pauses?: PauseHandling | undefined;
  signal?: AbortSignal;
  /** Recordings done, of which `cached` were embedded before. */
  onProgress?: (done: number, cached: number, failed: number) => void;
}

/** Recordings embedded between two writes to the cache: what a cut run loses at most. */
const CHUNK = 64;
const HASHES_AT_ONCE = 16;

/** Embeds recordings, those not in the cache. Silent ones are embedded too: every trial has to get a score. */
export async function embedRecordings(
  encoder: RecordingEncoder,
  paths: readonly string[],
  options: EmbedRecordingsOptions,
): Promise<EmbeddingTable> {
  const { root, dim, cache, cutSeconds, pauses, signal } = options;
  const table = emptyTable(paths, dim);
  const found = new Uint8Array(paths.length);
  const rowsOf = new Map<string, number[]>();
  const hashes = new Array<string | undefined>(paths.length);
  const states = new Array<string | undefined>(paths.length);
  let cached = 0;
  if (cache) {
    for (let start = 0; start < paths.length; start += HASHES_AT_ONCE) {
      signal?.throwIfAborted();
      const chunk = paths.slice(start, start + HASHES_AT_ONCE);
      // A recording that cannot be read fails below, where it is embedded, with the encoder's own message.
      const results = await Promise.allSettled(
        chunk.map(async (path) => {
          const file = resolve(root, path);
          return { state: await stateOf(file), hash: await contentHash(file) };
        }),
      );
      for (const [i, result] of results.entries()) {
        if (result.status === 'rejected') continue;
        const { state, hash } = result.value;
        [states[start + i], hashes[start + i]] = [state, hash];
        rowsOf.set(hash, [...(rowsOf.get(hash) ?? []), start + i]);
      }
    }
    await cache.read(
      (hash) => rowsOf.has(hash),
      (hash, stored) => {
        if (stored.embedding.length !== dim) return;
        for (const row of rowsOf.get(hash)!) {
          if (!found[row]) cached++;
          found[row] = 1;
          keep(table, row, stored);
        }
      },
    );
  }

  const missing = paths.map((_, row) => row).filter((row) => !found[row]);
  let done = cached;
  options.onProgress?.(done, cached, 0);
  for (let start = 0; start < missing.length; start += CHUNK) {
    const rows = missing.slice(start, start + CHUNK);
    const before = done;
    const failedBefore = table.failed.length;
    const items = await encoder.embedBatch(
      rows.map((row) => resolve(root, paths[row]!)),
      {
        allowSilence: true,
        ...(cutSeconds !== undefined && { cutSeconds }),
        ...(pauses !== undefined && { pauses }),
        ...(signal && { signal }),
        onProgress: (progress) => options.onProgress?.(before + progress.done, cached, failedBefore + progress.failed),
      },
    );
    signal?.throwIfAborted();
    const fresh: [string, StoredEmbedding][] = [];
    for (const item of items) {
      const row = rows[item.index]!;
      if ('error' in item) {
        table.failed.push({ path: paths[row]!, error: item.error });
        table.rows.delete(paths[row]!);
        continue;
      }
      const stored = storedFrom(item.result);
      keep(table, row, stored);
      // A file that was written to since it was hashed is another recording than the one of that hash.
      const same = hashes[row] !== undefined && (await unchanged(resolve(root, paths[row]!), states[row]));
      if (same) fresh.push([hashes[row]!, stored]);
    }
    await cache?.append(fresh);
    done += rows.length;
    options.onProgress?.(done, cached, table.failed.length);
  }
  return table;
}

async function unchanged(file: string, before: string | undefined): Promise<boolean> {
  return (await stateOf(file).catch(() => undefined)) === before;
}

/**
 * Reads embeddings that something else made: a line `{ path, embedding, seconds? }` each, as `timbre embed --jsonl`
 * writes them. Lines of other recordings are passed over; a recording without a line has failed.
 */
export async function readEmbeddings(file: string, paths: readonly string[]): Promise<EmbeddingTable> {
  const rowOf = new Map(paths.map((path, row) => [path, row]));
  const found = new Map<number, StoredEmbedding>();
  let number = 0;
  let dim = 0;
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  try {
    for await (const line of lines) {
      number++;
      if (line.trim() === '') continue;
      const entry = JSON.parse(line) as { path?: unknown; embedding?: number[]; speech?: { seconds?: number } };
      const row = rowOf.get(String(entry.path));
      if (row === undefined || entry.embedding === undefined) continue;
      dim ||= entry.embedding.length;
      if (
        !Array.isArray(entry.embedding) ||
        entry.embedding.length !== dim ||
        !entry.embedding.every(Number.isFinite)
      ) {
        throw new TimbreError('INVALID_ARGUMENT', `${file}:${number}: the embedding is not of ${dim} numbers`);
      }
      const speechSeconds = entry.speech?.seconds ?? NaN;
      found.set(row, { embedding: Float32Array.from(entry.embedding), seconds: NaN, speechSeconds });
    }
  } catch (error) {
    if (error instanceof TimbreError) throw error;
    const where = error instanceof SyntaxError ? `${file}:${number}` : file;
    throw new TimbreError('INVALID_ARGUMENT', `cannot read ${where}: ${(error as Error).message}`, { cause: error });
  }
  const table = emptyTable(paths, dim);
  for (const [row, stored] of found) keep(table, row, stored);
  for (const [row, path] of paths.entries()) {
    if (found.has(row)) continue;
    table.rows.delete(path);
    table.failed.push({ path, error: new TimbreError('AUDIO_NOT_FOUND', `${file} holds no embedding of ${path}`) });
  }
  return table;
}

/** The row of a recording as a view; undefined where it has no embedding. */
export function vectorOf(table: EmbeddingTable, path: string): Float32Array | undefined {
  const row = table.rows.get(path);
  return row === undefined ? undefined : table.vectors.subarray(row * table.dim, (row + 1) * table.dim);
}

function emptyTable(paths: readonly string[], dim: number): EmbeddingTable {
  return {
    dim,
    rows: new Map(paths.map((path, row) => [path, row])),
    vectors: new Float32Array(paths.length * dim),
    seconds: new Float32Array(paths.length).fill(NaN),
    failed: [],
  };
}

function keep(table: EmbeddingTable, row: number, { embedding, speechSeconds }: StoredEmbedding): void {
  const { dim } = table;
  table.vectors.set(embedding, row * dim);
  toUnit(table.vectors.subarray(row * dim, (row + 1) * dim));
  table.seconds[row] = speechSeconds;
}

function storedFrom({ embedding, audio, speech }: EmbedResult): StoredEmbedding {
  return { embedding, seconds: audio.seconds, speechSeconds: speech.seconds };
}

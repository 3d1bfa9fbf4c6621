import { createReadStream } from 'node:fs';
import { appendFile, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { digestFile, isMissing } from '../support/files.js';
import { TimbreError } from '../errors/timbre-error.js';

const ADVICE = 'name another folder with --cache, or give --no-cache';

/** What is kept of one embedded recording. */
export interface StoredEmbedding {
  embedding: Float32Array;
  /** Seconds of audio, and of speech in it. */
  seconds: number;
  speechSeconds: number;
}

/** `XDG_CACHE_HOME/timbre/embeddings`, else `~/.cache/timbre/embeddings`. */
export function defaultCacheFolder(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'timbre', 'embeddings');
}

/**
 * Embeddings of one model by the SHA-256 of the recording, in one file of JSON lines that only grows. A line cut short
 * by a crash is passed over; its recording is embedded again.
 */
export class EmbeddingCache {
  private constructor(readonly path: string) {}

  /** `variant` tells embeddings of one model apart that were made differently, such as from cut recordings. */
  static of(folder: string, model: string, variant = ''): EmbeddingCache {
    return new EmbeddingCache(join(folder, `${model}${variant && `-${variant}`}.jsonl`));
  }

  /** Calls `found` for every stored recording that is wanted. Memory does not grow with the file. */
  async read(
    wanted: (sha256: string) => boolean,
    found: (sha256: string, stored: StoredEmbedding) => void,
  ): Promise<void> {
    const lines = createInterface({ input: createReadStream(this.path), crlfDelay: Infinity });
    try {
      for await (const line of lines) {
        const entry = parseLine(line);
        if (entry && wanted(entry.sha256)) found(entry.sha256, entry);
      }
    } catch (error) {
      if (isMissing(error)) return;
      throw new TimbreError(
        'INVALID_ARGUMENT',
        `cannot read the cache ${this.path}: ${(error as Error).message}; ${ADVICE}`,
        {
          cause: error,
        },
      );
    }
  }

  async append(entries: Iterable<readonly [sha256: string, StoredEmbedding]>): Promise<void> {
    let text = '';
    for (const [sha256, { embedding, seconds, speechSeconds }] of entries) {
      const vector = Buffer.from(embedding.buffer, embedding.byteOffset, embedding.byteLength).toString('base64');
      text += `${JSON.stringify({ sha256, seconds, speechSeconds, vector })}\n`;
    }
    if (text === '') return;
    try {
      await mkdir(dirname(this.path), { recursive: true });
      // The newline first: a line cut short before must not swallow this one.
      await appendFile(this.path, `\n${text}`);
    } catch (error) {
      throw new TimbreError(
        'WRITE_FAILED',
        `cannot write the cache ${this.path}: ${(error as Error).message}; ${ADVICE}`,
        {
          cause: error,
        },
      );
    }
  }
}

/** SHA-256 of a file's bytes, in hexadecimal; AUDIO_NOT_FOUND where it cannot be read. */
export async function contentHash(path: string): Promise<string> {
  try {
    return (await digestFile(path)).sha256;
  } catch (error) {
    throw new TimbreError('AUDIO_NOT_FOUND', `cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

function parseLine(line: string): ({ sha256: string } & StoredEmbedding) | undefined {
  if (line === '') return undefined;
  try {
    const { sha256, seconds, speechSeconds, vector } = JSON.parse(line) as Record<string, string & number>;
    const bytes = Buffer.from(vector!, 'base64');
    const embedding = new Float32Array(bytes.length / 4);
    for (let i = 0; i < embedding.length; i++) embedding[i] = bytes.readFloatLE(4 * i);
    return { sha256: sha256!, seconds: seconds!, speechSeconds: speechSeconds!, embedding };
  } catch {
    return undefined;
  }
}

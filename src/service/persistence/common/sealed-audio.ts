import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { EntityManager } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { KeptAudio, type StoredAudio } from '../../records/kept-audio.js';
import { ask, dialectOf } from './dialect.js';
import { KEY_BYTES, SEALED_MORE_BYTES, VectorCipher } from './vector-cipher.js';

/** Of the audio in one sealed piece: what is in memory at once, and how long the JS thread is held. */
export const PIECE_BYTES = 2 ** 20;

/** How many pieces audio of so many bytes has. */
export function piecesOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / PIECE_BYTES));
}

/** How many bytes audio of so many has when it is sealed, all pieces together. */
export function sealedBytes(bytes: number): number {
  return bytes + piecesOf(bytes) * SEALED_MORE_BYTES;
}

/** Where a sealed piece begins behind the first, and how long it is; bytes. */
export interface PiecePlace {
  at: number;
  length: number;
}

export function placeOfPiece(bytes: number, piece: number): PiecePlace {
  const sealed = PIECE_BYTES + SEALED_MORE_BYTES;
  const rest = piece === piecesOf(bytes) - 1 ? bytes - piece * PIECE_BYTES : PIECE_BYTES;
  return { at: piece * sealed, length: rest + SEALED_MORE_BYTES };
}

/** How old audio has to be that no record names: whoever has stored it may be about to write its record; milliseconds. */
export const UNNAMED_MS = 3600_000;

/** Audio that is looked up, or removed, at once. */
export const AUDIO_AT_ONCE = 200;

/** Where sealed audio lies, by the id that its record has. Errors of every call: those of the storage. */
export interface SealedPieces {
  /** Puts the pieces down one after the other; all of them are on the disk when it resolves, or none where it rejects. */
  write(id: string, pieces: AsyncIterable<Buffer>): Promise<void>;

  /** Null where it is not there. */
  read(id: string, piece: number, place: PiecePlace): Promise<Buffer | null>;

  /** Bytes that lie there of each of these, all pieces together; what is not there is left out, null is what cannot be looked at. */
  lengths(ids: readonly string[]): Promise<Map<string, number | null>>;

  /** Nothing happens where it is not there. */
  remove(id: string): Promise<void>;
}

/**
 * Audio in pieces, each sealed as vectors are, under a key that this audio alone has. A piece is bound to its audio, its
 * place and the length of the whole: none opens as another, and none can be left out.
 */
export abstract class SealedAudio extends KeptAudio {
  constructor(protected readonly pieces: SealedPieces) {
    super();
  }

  async store(audio: string | Buffer, sha256: string): Promise<StoredAudio> {
    const stored = { id: randomUUID(), key: randomBytes(KEY_BYTES), bytes: 0 };
    try {
      const source = typeof audio === 'string' ? await open(audio, 'r').catch(notThere) : null;
      try {
        stored.bytes = source ? (await source.stat()).size : audio.length;
        await this.pieces.write(stored.id, this.seal(stored, source ?? (audio as Buffer), sha256));
      } finally {
        await source?.close();
      }
      return stored;
    } catch (error) {
      stored.key.fill(0);
      throw error;
    }
  }

  read(stored: StoredAudio): AsyncGenerator<Buffer, void, undefined> {
    return openPieces(this.pieces, stored);
  }

  async sweep(signal: AbortSignal): Promise<number> {
    let swept = 0;
    let failure: { error: unknown } | undefined;
    const note = (error: unknown): void => void (failure ??= { error });
    const isOver = (): boolean => signal.aborted;
    await this.removeDeleted().catch(note);
    let began = performance.now();
    for await (const ids of this.unnamed()) {
      if (isOver()) break;
      await this.discard(ids).then(() => (swept += ids.length), note);
      // As long as it took: half of the time of disk and database is everybody else's.
      await delay(performance.now() - began, undefined, { signal }).catch(() => undefined);
      if (isOver()) break;
      began = performance.now();
    }
    if (failure) throw failure.error;
    return swept;
  }

  /** Ids of audio that no record names and that is older than `UNNAMED_MS`, in pages; one may have none. */
  protected abstract unnamed(): AsyncGenerator<string[], void, undefined>;

  private async *seal(
    { id, key, bytes }: StoredAudio,
    source: Buffer | Awaited<ReturnType<typeof open>>,
    sha256: string,
  ): AsyncGenerator<Buffer, void, undefined> {
    const cipher = new VectorCipher(key);
    const hash = createHash('sha256');
    const block = Buffer.isBuffer(source) ? null : Buffer.alloc(Math.min(bytes, PIECE_BYTES));
    for (let piece = 0; piece < piecesOf(bytes); piece++) {
      const at = piece * PIECE_BYTES;
      const length = Math.min(PIECE_BYTES, bytes - at);
      const plain = Buffer.isBuffer(source)
        ? source.subarray(at, at + length)
        : block!.subarray(0, (await source.read(block!, 0, length, at)).bytesRead);
      if (plain.length !== length) throw changedMeanwhile();
      hash.update(plain);
      yield cipher.seal(plain, ownerOfPiece(id, piece, bytes));
    }
    block?.fill(0);
    if (hash.digest('hex') !== sha256) throw changedMeanwhile();
  }
}

/** Opens the pieces one after the other. Errors: STORAGE_INVALID where one is missing or does not open; those of the storage. */
export async function* openPieces(
  pieces: Pick<SealedPieces, 'read'>,
  { id, key, bytes }: StoredAudio,
): AsyncGenerator<Buffer, void, undefined> {
  const cipher = new VectorCipher(key);
  for (let piece = 0; piece < piecesOf(bytes); piece++) {
    const sealed = await pieces.read(id, piece, placeOfPiece(bytes, piece));
    if (!sealed) {
      throw new TimbreError(
        'STORAGE_INVALID',
        `the audio of the kept recording ${id} is missing or cut off; restore it from the backup that the database is of`,
      );
    }
    yield cipher.open(sealed, ownerOfPiece(id, piece, bytes));
  }
}

/** Those of these ids that a record names. */
export async function namedAudio(manager: EntityManager, ids: readonly string[]): Promise<Set<string>> {
  const { within, value } = dialectOf(manager).list(ids);
  const rows = await ask<{ id: string }>(manager, `SELECT id FROM kept_recordings WHERE id IN ${within}`, [value]);
  return new Set(rows.map(({ id }) => id));
}

function ownerOfPiece(id: string, piece: number, bytes: number): string[] {
  return ['recording', id, String(piece), String(bytes)];
}

function notThere(cause: NodeJS.ErrnoException): never {
  throw new TimbreError('AUDIO_NOT_FOUND', `the recording cannot be read: ${cause.code}`, { cause });
}

function changedMeanwhile(): TimbreError {
  return new TimbreError(
    'AUDIO_CORRUPT',
    'the recording was written to while it was enrolled; try again when it is complete',
  );
}

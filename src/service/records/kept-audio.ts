/** Audio that lies sealed in the storage; where no record names it, it is nobody's and is swept. */
export interface StoredAudio {
  /** UUID. */
  id: string;
  /** Of the audio itself. */
  bytes: number;
  /** 32 bytes, made for this audio alone: whoever has it and the sealed bytes has the audio. */
  key: Buffer;
}

/**
 * The bytes of kept recordings, sealed. A record of `KeptRecordingRepository` holds the key; with the record, the bytes
 * become unreadable, and are removed. Errors of every call: STORAGE_UNAVAILABLE.
 */
export abstract class KeptAudio {
  /**
   * Seals a recording, a path or its bytes, under a key of its own; on the disk when it resolves. Nothing of it is left
   * where it rejects. Errors: STORAGE_FULL; AUDIO_CORRUPT where the bytes are not those of `sha256` (any more).
   */
  abstract store(audio: string | Buffer, sha256: string): Promise<StoredAudio>;

  /**
   * The bytes, in pieces of 1 MiB at most. Errors: STORAGE_INVALID where they are missing, were changed, or are those of
   * another recording.
   */
  abstract read(stored: StoredAudio): AsyncGenerator<Buffer, void, undefined>;

  /** Removes those of these that no record names, as where an enrolment was not stored after all. */
  abstract discard(ids: readonly string[]): Promise<void>;

  /** Removes what records that were deleted have left: overwritten, then gone. */
  abstract removeDeleted(): Promise<void>;

  /**
   * Removes what records that were deleted have left, and what nobody names because a process ended between storing it and
   * its record: once it is an hour old, since until then somebody may be about to name it. In pieces, with rests between
   * them; ends early when `signal` is aborted. What cannot be removed keeps nothing else from going, and is thrown at the
   * end. Says how many there were that nobody named.
   */
  abstract sweep(signal: AbortSignal): Promise<number>;
}

/** All bytes of a recording at once. Errors: as of `KeptAudio.read`. */
export async function readAll(audio: KeptAudio, stored: StoredAudio): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of audio.read(stored)) pieces.push(piece);
  const [only] = pieces;
  return pieces.length === 1 && only ? only : Buffer.concat(pieces);
}

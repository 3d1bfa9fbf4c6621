import type { Recording } from './recording.js';

/** A recording that is kept: of which job, and which of its recordings. */
export interface BlobKey {
  jobId: string;
  index: number;
}

/** A kept recording as the engine takes it. */
export type Blob = Pick<Recording, 'audio' | 'bytes' | 'sha256'>;

/** Recordings that outlive their request, until their job is done with them. Only the service can read them. */
export abstract class BlobStore {
  /** Of uploads that wait. */
  abstract readonly bytes: number;

  /** Ids of the jobs that have uploads here. */
  abstract readonly jobs: readonly string[];

  /** Errors: OVERLOADED where so many bytes more, by default one, do not go in. */
  abstract admit(more?: number): void;

  /**
   * Takes a job's uploads over from their request, in their order; they are durable when it resolves, or none is.
   * Errors: OVERLOADED, WRITE_FAILED.
   */
  abstract adopt(jobId: string, recordings: readonly Recording[]): Promise<void>;

  /** An upload with its digest. Errors: AUDIO_NOT_FOUND where it is gone. */
  abstract describe(key: BlobKey): Promise<Blob>;

  /**
   * A copy of an open file that nobody else can change, so that its digest is that of what is embedded. What is too large,
   * or begins as no recording does, is not copied. A file system that does not answer holds up neither the job nor the
   * service's stop.
   * Errors: AUDIO_NOT_FOUND, AUDIO_TOO_LARGE, AUDIO_UNSUPPORTED, AUDIO_CORRUPT (no bytes), WRITE_FAILED, ABORTED, DEADLINE_EXCEEDED; nothing is left of it then.
   */
  abstract copy(key: BlobKey, from: number, signal: AbortSignal): Promise<Blob>;

  /** Removes what there is of one recording. */
  abstract remove(key: BlobKey): Promise<void>;

  abstract removeJob(jobId: string): Promise<void>;

  /** Removes everything but these uploads, and counts them: a process that was killed leaves what nobody needs. */
  abstract keepOnly(keys: readonly BlobKey[]): Promise<void>;
}

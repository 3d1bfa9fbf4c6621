import type { EmbeddingOrigin } from './embedding.js';
import type { Enrollment, EnrollmentInfo, ExemplarKind, SetAside } from './enrollment.js';

/** Place in a speaker's list: oldest first. */
export type EnrollmentPlace = readonly [createdAt: number, id: string];

/** A stored embedding of a file, and whose it is. */
export type HeardBefore = Pick<Enrollment, 'embedding' | 'measures'> & { subject: string };

export abstract class EnrollmentRepository {
  /** False where the speaker has an enrolment of this very file by this model; nothing is changed then. */
  abstract insert(enrollment: Enrollment): Promise<boolean>;

  abstract find(speakerId: string, id: string): Promise<EnrollmentInfo | null>;

  /** Of a speaker, of every model, oldest first. */
  abstract page(speakerId: string, after: EnrollmentPlace | null, limit: number): Promise<EnrollmentInfo[]>;

  /** The same with their embeddings. */
  abstract withEmbeddings(speakerId: string, after: EnrollmentPlace | null, limit: number): Promise<Enrollment[]>;

  /** Those of one origin that are not set aside, oldest first, and how many were enrolled, of every model. */
  abstract ofOrigin(speakerId: string, origin: EmbeddingOrigin): Promise<{ enrollments: Enrollment[]; total: number }>;

  /** The speaker's enrolment of this very file. */
  abstract findByContent(speakerId: string, origin: EmbeddingOrigin, sha256: string): Promise<EnrollmentInfo | null>;

  /** Anybody's enrolment of this very file, but not of who has opted out: its embedding need not be made again. */
  abstract heardBefore(origin: EmbeddingOrigin, sha256: string): Promise<HeardBefore | null>;

  /** Of each recording of a speaker, whichever models embedded it, the enrolment that was stored last. */
  abstract idsByContent(speakerId: string): Promise<Map<string, string>>;

  /**
   * Of each recording that the speaker has no enrolment of this origin of, the enrolment that was stored last, oldest first;
   * also those that are set aside.
   */
  abstract ofOtherModels(speakerId: string, origin: EmbeddingOrigin): Promise<EnrollmentInfo[]>;

  /**
   * Puts an enrolment of another model in the place of the one of its id, which is of the same recording. The one of before
   * stays under a new id, which is given; null where it is not there, and nothing is changed then. Errors: as of `change`.
   */
  abstract supersede(made: Enrollment): Promise<string | null>;

  /**
   * Deletes the speaker's enrolments of other models whose recordings have one of this origin; audio stays. Gives the
   * origins of those that went, and how many there were.
   */
  abstract deleteSuperseded(
    speakerId: string,
    origin: EmbeddingOrigin,
  ): Promise<{ origins: EmbeddingOrigin[]; count: number }>;

  /** The embedding of one of the speaker's enrolments; null where there is none. */
  abstract embedding(speakerId: string, id: string): Promise<Float32Array | null>;

  abstract delete(speakerId: string, id: string): Promise<boolean>;

  /** Makes a recording count, or not, or takes it for enrolled. Errors: STORAGE_INVALID where it is not as it was written. */
  abstract change(
    speakerId: string,
    ids: readonly string[],
    changes: { kind?: ExemplarKind; setAside?: SetAside | null },
  ): Promise<void>;

  /** Learned recordings that were replaced, but for the newest so many, are deleted for good. */
  abstract trimReplaced(speakerId: string, origin: EmbeddingOrigin, kept: number): Promise<void>;

  /**
   * Gives recordings to another speaker, in the order that they have; those that the other has already stay. Says which
   * moved. Errors: as of `change`.
   */
  abstract move(ids: readonly string[], from: string, to: string): Promise<string[]>;
}

import type { EmbeddingOrigin } from './embedding.js';
import type { Enrollment } from './enrollment.js';

export abstract class EnrollmentRepository {
  /** False where the speaker has an enrolment of this very file by this model; nothing is changed then. */
  abstract insert(enrollment: Enrollment): Promise<boolean>;

  abstract find(speakerId: string, id: string): Promise<Enrollment | null>;

  /** All of a speaker, of every model, oldest first. */
  abstract ofSpeaker(speakerId: string): Promise<Enrollment[]>;

  /** Those of one origin, oldest first, and how many the speaker has of every model. */
  abstract ofOrigin(speakerId: string, origin: EmbeddingOrigin): Promise<{ enrollments: Enrollment[]; total: number }>;

  /** The speaker's enrolment of this very file. */
  abstract findByContent(speakerId: string, origin: EmbeddingOrigin, sha256: string): Promise<Enrollment | null>;

  /** Any speaker's enrolment of this very file: its embedding need not be made again. */
  abstract findAnyByContent(origin: EmbeddingOrigin, sha256: string): Promise<Enrollment | null>;

  abstract delete(speakerId: string, id: string): Promise<boolean>;
}

import type { EmbeddingOrigin } from '../voices/embedding.js';
import type { Enrollment } from './enrollment.js';

export abstract class EnrollmentRepository {
  abstract insert(enrollment: Enrollment): Promise<void>;

  abstract find(speakerId: string, id: string): Promise<Enrollment | null>;

  /** All of a speaker, oldest first; of one origin where it is given. */
  abstract ofSpeaker(speakerId: string, origin?: EmbeddingOrigin): Promise<Enrollment[]>;

  /** The speaker's enrolment of this very file. */
  abstract findByContent(speakerId: string, origin: EmbeddingOrigin, sha256: string): Promise<Enrollment | null>;

  /** Any speaker's enrolment of this very file: its embedding need not be made again. */
  abstract findAnyByContent(origin: EmbeddingOrigin, sha256: string): Promise<Enrollment | null>;

  /** Of every model. */
  abstract count(speakerId: string): Promise<number>;

  abstract delete(speakerId: string, id: string): Promise<boolean>;
}

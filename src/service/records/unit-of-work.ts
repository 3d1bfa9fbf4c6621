import type { AnswerRepository } from './answer.repository.js';
import type { AuditRepository } from './audit.repository.js';
import type { CalibrationRepository } from './calibration.js';
import type { ConsentRepository } from './consent.repository.js';
import type { ConversationRepository } from './conversation.repository.js';
import type { GroupRepository } from './group.repository.js';
import type { EnrollmentRepository } from './enrollment.repository.js';
import type { NoteRepository } from './note.repository.js';
import type { ProfileRepository } from './profile.repository.js';
import type { KeptRecordingRepository } from './kept-recording.js';
import type { LedgerRepository } from './ledger.js';
import type { WaitingVerificationRepository } from './waiting-verification.js';
import type { JobRepository } from './job.repository.js';
import type { ReEmbeddingRepository } from './re-embedding.js';
import type { ReceiptRepository } from './receipt.js';
import type { SpeakerRepository } from './speaker.repository.js';
import type { UnknownVoiceRepository } from './unknown-voice.repository.js';
import type { WebhookRepository } from './webhook.js';

/** All that is stored about voices, as one call sees it. */
export interface VoiceRecords {
  readonly speakers: SpeakerRepository;
  readonly groups: GroupRepository;
  readonly enrollments: EnrollmentRepository;
  readonly profiles: ProfileRepository;
  readonly ledger: LedgerRepository;
  readonly waiting: WaitingVerificationRepository;
  readonly recordings: KeptRecordingRepository;
  readonly reEmbeddings: ReEmbeddingRepository;
  readonly consents: ConsentRepository;
  readonly jobs: JobRepository;
  readonly conversations: ConversationRepository;
  readonly unknownVoices: UnknownVoiceRepository;
  readonly notes: NoteRepository;
  readonly receipts: ReceiptRepository;
  readonly audit: AuditRepository;
  readonly answers: AnswerRepository;
  readonly webhooks: WebhookRepository;
  readonly calibrations: CalibrationRepository;
}

/** What is stored as it is at one moment, for as long as it is open. Errors of every read: those of the storage. */
export interface Snapshot {
  read<T>(work: (records: VoiceRecords) => Promise<T>): Promise<T>;

  close(): Promise<void>;
}

/**
 * The door to what is stored about voices. Calls run one after the other, and none sees another's unfinished work, so
 * that a profile is always that of the enrolments beside it. Work that waits for a model belongs outside. Who acts while bound
 * to groups, at the time of the call, finds speakers and groups of those alone.
 *
 * Errors of every call: STORAGE_UNAVAILABLE, STORAGE_FULL, STORAGE_INVALID; nothing of a transaction is stored then.
 */
export abstract class UnitOfWork {
  /** What `work` throws undoes the whole transaction and is thrown on. */
  abstract transaction<T>(work: (records: VoiceRecords) => Promise<T>): Promise<T>;

  /** Only reads. */
  abstract read<T>(work: (records: VoiceRecords) => Promise<T>): Promise<T>;

  /**
   * The same for what mostly takes one statement, which costs less where a transaction costs something. `work` may run
   * twice: it does nothing but read.
   */
  abstract readOne<T>(work: (records: VoiceRecords) => Promise<T>): Promise<T>;

  /**
   * For long reading: holds nobody up, and is closed by whoever opened it. Errors: OVERLOADED where too many are open.
   */
  abstract snapshot(): Promise<Snapshot>;

  /** Settles when the database answers. */
  abstract check(): Promise<void>;

  /** Records that were read and are not as this service wrote them: another program changed them or put them back. */
  abstract readonly altered: number;
}

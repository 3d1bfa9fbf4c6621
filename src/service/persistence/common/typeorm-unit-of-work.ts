import type { EntityManager } from 'typeorm';
import { UnitOfWork, type Snapshot, type VoiceRecords } from '../../records/unit-of-work.js';
import type { GroupRef } from '../../../support/group-ref.js';
import { boundTo } from '../../records/bound.js';
import { ask } from './dialect.js';
import type { Store } from './store.js';
import { TypeOrmAnswerRepository } from './repositories/typeorm-answer.repository.js';
import { TypeOrmAuditRepository } from './repositories/typeorm-audit.repository.js';
import { TypeOrmCalibrationRepository } from './repositories/typeorm-calibration.repository.js';
import { TypeOrmConsentRepository } from './repositories/typeorm-consent.repository.js';
import { TypeOrmConversationRepository } from './repositories/typeorm-conversation.repository.js';
import { TypeOrmEnrollmentRepository } from './repositories/typeorm-enrollment.repository.js';
import { TypeOrmGroupRepository } from './repositories/typeorm-group.repository.js';
import { TypeOrmKeptRecordingRepository } from './repositories/typeorm-kept-recording.repository.js';
import { TypeOrmLedgerRepository } from './repositories/typeorm-ledger.repository.js';
import { TypeOrmWaitingVerificationRepository } from './repositories/typeorm-waiting-verification.repository.js';
import { TypeOrmJobRepository } from './repositories/typeorm-job.repository.js';
import { TypeOrmProfileRepository } from './repositories/typeorm-profile.repository.js';
import { TypeOrmNoteRepository } from './repositories/typeorm-note.repository.js';
import { TypeOrmReEmbeddingRepository } from './repositories/typeorm-re-embedding.repository.js';
import { TypeOrmReceiptRepository } from './repositories/typeorm-receipt.repository.js';
import { TypeOrmSpeakerRepository } from './repositories/typeorm-speaker.repository.js';
import { TypeOrmUnknownVoiceRepository } from './repositories/typeorm-unknown-voice.repository.js';
import { TypeOrmWebhookRepository } from './repositories/typeorm-webhook.repository.js';

export class TypeOrmUnitOfWork extends UnitOfWork {
  constructor(private readonly database: Store) {
    super();
  }

  transaction<T>(work: (records: VoiceRecords) => Promise<T>): Promise<T> {
    const bound = boundTo();
    return this.database.transaction((manager) => work(this.records(manager, bound)));
  }

  read<T>(work: (records: VoiceRecords) => Promise<T>): Promise<T> {
    const bound = boundTo();
    return this.database.read((manager) => work(this.records(manager, bound)));
  }

  readOne<T>(work: (records: VoiceRecords) => Promise<T>): Promise<T> {
    const bound = boundTo();
    return this.database.readOne((manager) => work(this.records(manager, bound)));
  }

  async snapshot(): Promise<Snapshot> {
    // Whoever reads on from it later may be a connection that has room again.
    const bound = boundTo();
    const { read, close } = await this.database.snapshot();
    const register = this.database.register.aside();
    return { read: (work) => read((manager) => work(this.records(manager, bound, register))), close };
  }

  async check(): Promise<void> {
    await this.database.readOne((manager) => ask(manager, 'SELECT 1 FROM settings LIMIT 1'));
  }

  get altered(): number {
    return this.database.register.altered.size;
  }

  private records(
    manager: EntityManager,
    bound: readonly GroupRef[] | null,
    register = this.database.register,
  ): VoiceRecords {
    const { cipher } = this.database;
    return {
      speakers: new TypeOrmSpeakerRepository(manager, register, bound),
      groups: new TypeOrmGroupRepository(manager, register, bound),
      enrollments: new TypeOrmEnrollmentRepository(manager, cipher, register, bound),
      profiles: new TypeOrmProfileRepository(manager, cipher, register, bound),
      ledger: new TypeOrmLedgerRepository(manager, register),
      waiting: new TypeOrmWaitingVerificationRepository(manager, cipher, register),
      recordings: new TypeOrmKeptRecordingRepository(manager, cipher, register),
      reEmbeddings: new TypeOrmReEmbeddingRepository(manager),
      consents: new TypeOrmConsentRepository(manager, register),
      jobs: new TypeOrmJobRepository(manager),
      conversations: new TypeOrmConversationRepository(manager, register, bound),
      unknownVoices: new TypeOrmUnknownVoiceRepository(manager, cipher, register, bound),
      notes: new TypeOrmNoteRepository(manager),
      receipts: new TypeOrmReceiptRepository(manager),
      audit: new TypeOrmAuditRepository(manager, register),
      answers: new TypeOrmAnswerRepository(manager),
      webhooks: new TypeOrmWebhookRepository(manager, cipher),
      calibrations: new TypeOrmCalibrationRepository(manager, cipher, register),
    };
  }
}

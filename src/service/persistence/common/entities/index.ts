import { AnswerEntity } from './answer.entity.js';
import { ApiKeyEntity } from './api-key.entity.js';
import { AuditEntity } from './audit.entity.js';
import { CalibrationEntity } from './calibration.entity.js';
import { ChangeEntity } from './change.entity.js';
import { ConsentEntity } from './consent.entity.js';
import { ConversationCandidateEntity } from './conversation-candidate.entity.js';
import { ConversationPersonEntity } from './conversation-person.entity.js';
import { ConversationEntity } from './conversation.entity.js';
import { CounterEntity } from './counter.entity.js';
import { EnrollmentEntity } from './enrollment.entity.js';
import { GroupEntity } from './group.entity.js';
import { JobItemEntity } from './job-item.entity.js';
import { JobEntity } from './job.entity.js';
import { KeptRecordingEntity } from './kept-recording.entity.js';
import { LedgerEntity } from './ledger.entity.js';
import { ProfileEntity } from './profile.entity.js';
import { ReEmbeddingEntity, ReEmbeddingFailureEntity } from './re-embedding.entity.js';
import { ReceiptEntity } from './receipt.entity.js';
import { RegisterEntity } from './register.entity.js';
import { SettingEntity } from './setting.entity.js';
import { SpeakerEntity } from './speaker.entity.js';
import { WebhookDeliveryEntity } from './webhook-delivery.entity.js';
import { WebhookEntity } from './webhook.entity.js';
import { TermEntity } from './term.entity.js';
import { UnknownVoiceEntity } from './unknown-voice.entity.js';
import { VoiceShareEntity } from './voice-share.entity.js';
import { VoiceStepEntity } from './voice-step.entity.js';
import { WaitingVerificationEntity } from './waiting-verification.entity.js';

export const ENTITIES = [
  SpeakerEntity,
  EnrollmentEntity,
  ProfileEntity,
  SettingEntity,
  AuditEntity,
  ConsentEntity,
  ChangeEntity,
  ReceiptEntity,
  JobEntity,
  JobItemEntity,
  ApiKeyEntity,
  CounterEntity,
  ConversationEntity,
  ConversationPersonEntity,
  ConversationCandidateEntity,
  AnswerEntity,
  RegisterEntity,
  WebhookEntity,
  WebhookDeliveryEntity,
  GroupEntity,
  TermEntity,
  LedgerEntity,
  WaitingVerificationEntity,
  UnknownVoiceEntity,
  VoiceShareEntity,
  VoiceStepEntity,
  KeptRecordingEntity,
  ReEmbeddingEntity,
  ReEmbeddingFailureEntity,
  CalibrationEntity,
];

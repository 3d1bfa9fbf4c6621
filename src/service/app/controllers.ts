import type { Type } from '@nestjs/common';
import { AccessController } from '../access/access.controller.js';
import { KeysController } from '../access/keys.controller.js';
import { AuditController } from '../audit/audit.controller.js';
import { CalibrationsController } from '../calibrations/calibrations.controller.js';
import { ConsentController } from '../consent/consent.controller.js';
import { ConversationsController } from '../conversations/conversations.controller.js';
import { DataKeysController } from '../data-keys/data-keys.controller.js';
import { EmbeddingsController } from '../embeddings/embeddings.controller.js';
import { EnrollmentsController } from '../enrollments/enrollments.controller.js';
import { GroupsController } from '../groups/groups.controller.js';
import { HealthController } from '../health/health.controller.js';
import { InfoController } from '../health/info.controller.js';
import { IdentificationController } from '../identification/identification.controller.js';
import { JobsController } from '../jobs/jobs.controller.js';
import { TrainingSessionsController } from '../jobs/training-sessions.controller.js';
import { MetricsController } from '../metrics/metrics.controller.js';
import { DuplicatesController } from '../profiles/duplicates.controller.js';
import { GroupLearningController } from '../profiles/group-learning.controller.js';
import { LedgerController } from '../profiles/ledger.controller.js';
import { VerificationsController } from '../profiles/verifications.controller.js';
import { GroupKeepingController } from '../recordings/group-keeping.controller.js';
import { RecordingsController } from '../recordings/recordings.controller.js';
import { ReEmbeddingController } from '../re-embedding/re-embedding.controller.js';
import { ExportController } from '../privacy/export.controller.js';
import { RetentionController } from '../privacy/retention.controller.js';
import { SamplesController } from '../samples/samples.controller.js';
import { SignInController } from '../sign-in/sign-in.controller.js';
import { ReceiptsController } from '../speakers/receipts.controller.js';
import { SpeakersController } from '../speakers/speakers.controller.js';
import { UnknownVoicesController } from '../unknown-voices/unknown-voices.controller.js';
import { VerificationController } from '../verification/verification.controller.js';
import { WatchController } from '../watch/watch.controller.js';
import { WebhooksController } from '../webhooks/webhooks.controller.js';

/** Every controller of the API, by the names that an application chooses them by. */
export const CONTROLLERS = {
  metrics: [MetricsController],
  health: [HealthController],
  info: [InfoController],
  embeddings: [EmbeddingsController],
  conversations: [ConversationsController],
  unknownVoices: [UnknownVoicesController],
  samples: [SamplesController],
  audit: [AuditController],
  consent: [ConsentController],
  access: [AccessController],
  signIn: [SignInController],
  keys: [KeysController],
  speakers: [SpeakersController, ReceiptsController],
  groups: [GroupsController, WatchController],
  enrollments: [EnrollmentsController],
  verification: [VerificationController],
  identification: [IdentificationController],
  profiles: [LedgerController, GroupLearningController, VerificationsController, DuplicatesController],
  recordings: [RecordingsController, GroupKeepingController, ReEmbeddingController],
  export: [ExportController],
  retention: [RetentionController],
  dataKeys: [DataKeysController],
  jobs: [TrainingSessionsController, JobsController],
  webhooks: [WebhooksController],
  calibrations: [CalibrationsController],
} as const satisfies Record<string, readonly Type[]>;

export type ControllerName = keyof typeof CONTROLLERS;

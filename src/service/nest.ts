/** `timbre-voice/nest`: the service as a module of a Nest application. */
export {
  TimbreModule,
  type MountOptions,
  type TimbreModuleAsyncOptions,
  type TimbreModuleOptions,
} from './app/timbre.module.js';
export type { ControllerName } from './app/controllers.js';
export { ConversationsService as Conversations } from './conversations/conversations.service.js';
export { Config, type ConfigInput, type ConfigValues } from './config/config.js';
export { EmbeddingEngine, type EngineListener, type EngineState } from './engine/embedding-engine.js';
export { EnrollmentsService as Enrollments, type Enrolled } from './enrollments/enrollments.service.js';
export { GroupsService as Groups } from './groups/groups.service.js';
export { IdentificationService as Identification } from './identification/identification.service.js';
export type { IdentificationView } from './identification/identification.dto.js';
export { LearningService as Learning, type Lesson } from './profiles/learning.service.js';
export { LedgerService as Ledger } from './profiles/ledger.service.js';
export { MergeService as Merging } from './profiles/merge.service.js';
export { RecordingsService as Recordings } from './recordings/recordings.service.js';
export { JobsService as Jobs } from './jobs/jobs.service.js';
export { SpeakersService as Speakers, type SpeakerPage, type SpeakerProfile } from './speakers/speakers.service.js';
export { VerificationService as Verification } from './verification/verification.service.js';
export type { VerificationView } from './verification/verification.dto.js';
export { recordingOf, type Recording } from './uploads/recording.js';
export type { Conversation } from './records/conversation.js';
export type { Enrollment } from './records/enrollment.js';
export type { Job, JobItem } from './records/job.js';
export type { Profile } from './records/profile.js';
export type { Speaker } from './records/speaker.js';
export type { Voice } from './records/voice.js';
export { TimbreError } from '../errors/timbre-error.js';
export { ERROR_CODES, type ErrorCode } from '../errors/error-codes.js';
export type { AudioInput, EmbedOptions, EmbedResult, EncoderInfo, EncoderStats } from '../addon/types.js';

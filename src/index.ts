/** The package's own API: embeddings by the addon, and what the service decides with, free of any framework. */
export * from './addon/index.js';
export { Gallery, type GalleryMatch, type GalleryOptions } from './addon/gallery.js';
export {
  Scorer,
  type Decision,
  type OpenSetAnswer,
  type Score,
  type ScorerOptions,
  type Side,
  type SideFacts,
} from './scoring/scorer.js';
export {
  DecisionPolicy,
  type OpenSetDecision,
  type OpenSetThreshold,
  type ThresholdSource,
} from './scoring/decision-policy.js';
export {
  nameVoices,
  profileOf,
  type EnrolledVoice,
  type NameOptions,
  type NoNameReason,
  type Voice,
  type VoiceName,
  type VoiceNames,
} from './scoring/voice-names.js';
export { voiceCalibrationFor } from './scoring/voice-calibration.js';
export {
  NEAREST_TURN_SECONDS,
  speakersOfWords,
  type SpokenSegment,
  type SpokenWord,
} from './conversations/spoken-words.js';
export { readTranscript, type TranscriptSegment, type TranscriptWord } from './conversations/transcript.js';
export { writeWebVtt, type Cue } from './conversations/webvtt.js';
export { fitImpostorTail, type ImpostorTail } from './scoring/impostor-tail.js';
export {
  calibrationFor,
  calibrationOf,
  readCalibrationFile,
  type ModelCalibration,
  type ScoreThreshold,
} from './scoring/model-calibration.js';

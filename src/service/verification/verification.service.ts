import { Injectable } from '@nestjs/common';
import type { EmbedOptions, EmbedResult } from '../../addon/types.js';
import type { Scorer, SideFacts } from '../../scoring/scorer.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { Config } from '../config/config.js';
import { floorsOf } from '../config/floors.js';
import { viewOf } from '../embeddings/embeddings.service.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { LearningService, type VerifiedLesson } from '../profiles/learning.service.js';
import { factsOf, type Profile } from '../records/profile.js';
import { enrollmentState } from '../speakers/speakers.dto.js';
import { speakerNotFound, type Speaker } from '../records/speaker.js';
import { SpeakersService, type SpeakerProfile } from '../speakers/speakers.service.js';
import type { Recording } from '../uploads/recording.js';
import { contentOf } from '../uploads/selection.js';
import { CurrentModel } from '../voices/current-model.js';
import { checkEmbedding } from '../records/embedding.js';
import { measuresOf } from '../records/recording-quality.js';
import { WatchLists } from '../watch/watch-lists.js';
import { toScoreView, type VerificationView } from './verification.dto.js';

/** A recording that was heard, and by what it is decided. */
interface Question {
  recording: Recording;
  bounds: EmbedOptions;
  heard: EmbedResult;
  /** Of the loaded model's length. */
  query: Float32Array;
  scorer: Scorer;
  /** In place of the service's. */
  falseAcceptRate: number | undefined;
}

/** Is it who they say it is? */
@Injectable()
export class VerificationService {
  constructor(
    private readonly engine: EmbeddingEngine,
    private readonly speakers: SpeakersService,
    private readonly model: CurrentModel,
    private readonly learning: LearningService,
    private readonly watch: WatchLists,
    private readonly trail: AuditTrail,
    private readonly config: Config,
  ) {}

  /**
   * `falseAcceptRate`: in place of the service's.
   * Errors: SPEAKER_NOT_FOUND, MODEL_MISMATCH, INVALID_ARGUMENT for a rate that the model has no threshold for, those of
   * the recording, of the model and of the storage.
   */
  async verify(
    speakerId: string,
    recording: Recording,
    bounds: EmbedOptions,
    falseAcceptRate?: number,
  ): Promise<VerificationView> {
    const before = await this.speakers.profile(speakerId);
    if (before.speaker.optedOutAt) return this.answer(before, 'OPTED_OUT');
    if (!enrolledVoice(before.profile)) return this.answer(before, 'NOT_ENROLLED');

    const scorer = this.engine.scorerAt(falseAcceptRate);
    const heard = await this.engine.embedAdmitted(recording.audio, bounds);
    const query = checkEmbedding(heard.embedding, this.model.dimension());
    try {
      return await this.decide(before.speaker, { recording, bounds, heard, query, scorer, falseAcceptRate });
    } finally {
      this.watch.heard([{ embedding: query, seconds: heard.speech.seconds, from: 'verification' }]);
    }
  }

  private async decide(
    claimed: Speaker,
    { recording, bounds, heard, query, scorer, falseAcceptRate }: Question,
  ): Promise<VerificationView> {
    const about = { recording: viewOf(recording, heard) };
    // Read anew: the speaker may have been changed, erased or opted out while the recording was embedded, and somebody
    // else may have the id by now.
    const now = await this.speakers.profile(claimed.id);
    if (now.speaker.subject !== claimed.subject) throw speakerNotFound(claimed.id);
    if (now.speaker.optedOutAt) return this.answer(now, 'OPTED_OUT');
    const voice = enrolledVoice(now.profile);
    if (!voice) return this.answer(now, 'NOT_ENROLLED', about);
    const { seconds } = heard.speech;
    const missing = floorsOf(this.config).match - seconds;
    if (missing > 0) return this.answer(now, 'NOT_ENOUGH_SPEECH', { ...about, missingSpeechSeconds: missing });

    const score = scorer.score(query, voice.centroid, { a: { seconds }, b: voice.facts });
    const lesson = await this.learning.consider({
      speaker: now.speaker,
      origin: now.origin,
      embedding: query,
      measures: measuresOf(heard),
      contentSha256: contentOf(recording.sha256, bounds),
      decision: score.decision,
      score,
      scorer,
      falseAcceptRate: falseAcceptRate ?? this.config.falseAcceptRate,
    });
    return this.answer(now, score.decision, { ...about, score: toScoreView(score), lesson });
  }

  private answer(
    { speaker, profile, origin }: SpeakerProfile,
    decision: VerificationView['decision'],
    {
      score = null,
      recording = null,
      missingSpeechSeconds = null,
      lesson = null,
    }: Partial<Pick<VerificationView, 'score' | 'recording' | 'missingSpeechSeconds'>> & {
      lesson?: VerifiedLesson | null;
    } = {},
  ): VerificationView {
    const event = { action: 'voice.verified', subject: speaker.subject, outcome: decision ?? 'UNDECIDED' } as const;
    // A rejected claim says nothing of the speaker, and keeps nobody's data alive; undecided, it is the caller's to decide.
    if (score && (decision === 'ACCEPT' || decision === null)) this.trail.matched(speaker, event);
    else this.trail.unmatched(event);
    const state = enrollmentState(profile, this.config.enrollmentSeconds);
    const { enrollmentStatus, remainingEnrollmentsSpeechLengthInSec, confidence } = state;
    return {
      speakerId: speaker.id,
      decision,
      missingSpeechSeconds,
      score,
      model: origin.model,
      enrollmentStatus,
      remainingEnrollmentsSpeechLengthInSec,
      confidence,
      verificationId: lesson?.verificationId ?? null,
      confirmUntil: lesson?.confirmUntil?.toISOString() ?? null,
      learning: lesson && { learned: lesson.learned, reason: lesson.reason, ledgerEntry: lesson.entry },
      recording,
    };
  }
}

function enrolledVoice(profile: Profile | null): { centroid: Float32Array; facts: SideFacts } | null {
  if (profile?.status !== 'Enrolled' || !profile.centroid) return null;
  return { centroid: profile.centroid, facts: factsOf(profile) };
}

import { Injectable, Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { TimbreError } from '../../errors/timbre-error.js';
import { RATE_BOUNDS } from '../../scoring/impostor-tail.js';
import type { Score, Scorer } from '../../scoring/scorer.js';
import { Clock } from '../../support/clock.js';
import { Config } from '../config/config.js';
import { ConsentPolicy } from '../consent/consent-policy.js';
import { ProfileKeeper } from '../enrollments/profile-keeper.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { Metrics } from '../metrics/metrics.service.js';
import { consentStatus, optedOut, requireConsent } from '../records/consent.js';
import { sameOrigin, type EmbeddingOrigin } from '../records/embedding.js';
import type { Enrollment } from '../records/enrollment.js';
import {
  learningOf,
  learningRate,
  lessonOf,
  type LearningRefusal,
  type LearningSource,
  type LearningWay,
} from '../records/learning.js';
import type { LedgerEntry, LedgerEvidence } from '../records/ledger.js';
import { Maintenance } from '../records/maintenance.js';
import { judge, type Measures } from '../records/recording-quality.js';
import type { Speaker } from '../records/speaker.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';
import { verificationNotFound, type WaitingVerification } from '../records/waiting-verification.js';
import { CurrentModel } from '../voices/current-model.js';
import { sideOf, VoiceIndex, type VoiceMatch } from '../voices/voice-index.js';

/** Of one speaker at once; the oldest go. */
const MOST_WAITING = 20;

/** Learned recordings that were replaced and are kept, so that undoing brings them back. */
const REPLACED_KEPT = 50;

/** A recording that was verified. */
export interface Verified {
  speaker: Speaker;
  origin: EmbeddingOrigin;
  embedding: Float32Array;
  measures: Measures;
  contentSha256: string;
  /** Of the verification; null where the model brings no threshold. */
  decision: string | null;
  score: Score;
  /** That gave the score: one calibration decides all of an answer. */
  scorer: Scorer;
  /** The rate of false accepts that the request had. */
  falseAcceptRate: number;
}

/** What became of a recording. */
export interface Lesson {
  speakerId: string;
  learned: boolean;
  /** Null where it was learned. */
  reason: LearningRefusal | null;
  /** Id of the entry of the ledger; null where nothing was learned. */
  entry: string | null;
}

/** The same, and what can be confirmed. */
export interface VerifiedLesson extends Lesson {
  /** Null where nothing waits. */
  verificationId: string | null;
  confirmUntil: Date | null;
}

/** A recording that may become an exemplar. */
type Candidate = Pick<WaitingVerification, 'embedding' | 'measures' | 'contentSha256' | 'origin' | 'evidence'>;

/** What the model says of a candidate; `rate`: null where evidence alone teaches nothing. */
interface Judge {
  scorer: Scorer;
  rate: number | null;
  second: VoiceMatch | null;
}

/** Profiles that learn from what is verified. */
@Injectable()
export class LearningService {
  private readonly logger = new Logger('Learning');
  private readonly count: (outcome: string) => void;

  constructor(
    private readonly store: UnitOfWork,
    private readonly engine: EmbeddingEngine,
    private readonly model: CurrentModel,
    private readonly gallery: VoiceIndex,
    private readonly keeper: ProfileKeeper,
    private readonly consent: ConsentPolicy,
    private readonly maintenance: Maintenance,
    private readonly clock: Clock,
    private readonly config: Config,
    metrics: Metrics,
  ) {
    const help = 'Verified recordings of profiles that learn, by what came of them: learned, confirmed, or why not.';
    this.count = metrics.counter('timbre_learning_total', help, 'outcome');
  }

  /** Whether the speaker's profile learns, and who says so. */
  async settingOf({ groups }: VoiceRecords, speaker: Speaker): Promise<{ learns: boolean; from: LearningSource }> {
    const ofGroups = await groups.learningOf(speaker.groups.map(({ uid }) => uid));
    return learningOf(speaker.learning, ofGroups, this.config.learning);
  }

  /**
   * Takes a recording that was verified into the profile where that learns and the gates let it; keeps what confirming it
   * needs where confirming would. Null where the profile does not learn. A storage that takes nothing now costs the lesson,
   * never the verification. Errors: those of the model.
   */
  async consider(verified: Verified): Promise<VerifiedLesson | null> {
    const { speaker } = verified;
    if (!this.config.learning && !speaker.learning && speaker.groups.length === 0) return null;
    const nothing = (reason: LearningRefusal): VerifiedLesson => {
      this.count(reason);
      return answerOf(speaker.id, reason);
    };
    try {
      const { learns } = await this.store.read((records) => this.settingOf(records, speaker));
      if (!learns) return null;
      // Whoever is taken for somebody else must not wait here: a rejected recording is perhaps a stranger's.
      if (verified.decision !== 'ACCEPT' && verified.decision !== null) return nothing('NOT_ACCEPTED');
      const lesson = await this.learn(verified);
      this.count(lesson.reason ?? 'learned');
      return lesson;
    } catch (error) {
      if (!isOfStorage(error)) throw error;
      this.logger.warn({ err: error, msg: 'what was verified could not be learned' });
      return nothing('STORAGE');
    }
  }

  private async learn({
    speaker,
    decision,
    score,
    scorer,
    falseAcceptRate,
    ...heard
  }: Verified): Promise<VerifiedLesson> {
    const evidence = evidenceOf(score);
    const candidate: Candidate = { ...heard, evidence };
    const strict = learningRate(falseAcceptRate, this.config.learnFalseAcceptRate, RATE_BOUNDS.least);
    const { embedding, measures, origin } = heard;
    const [second = null] = await this.gallery.nearestOthers(embedding, speaker.subject, 1);
    const base: Judge = { ...judgeAt(scorer, decision === null ? null : strict), second };
    return this.store.transaction(async (records): Promise<VerifiedLesson> => {
      const refused = (reason: LearningRefusal): VerifiedLesson => answerOf(speaker.id, reason);
      const now = await records.speakers.find(speaker.id);
      // Another of the same id is somebody else.
      if (now?.subject !== speaker.subject) return refused('NOT_ENROLLED');
      const barred = await this.barredBy(records, now);
      if (barred) return refused(barred);
      const id = randomUUID();
      const entry = await this.take(records, now, candidate, 'learned', base, id);
      if (typeof entry !== 'string') return answerOf(now.id, entry);
      const { confirmMinutes } = this.config;
      if (confirmMinutes === 0 || !CONFIRMING_HELPS.has(entry)) return refused(entry);
      if (!judge(measures, this.model.recordingLimits()).accepted) return refused(entry);
      const createdAt = this.clock.now();
      const { contentSha256 } = heard;
      const waiting = { id, speakerId: now.id, createdAt, origin, embedding, contentSha256, measures, evidence };
      await records.waiting.insert(waiting, MOST_WAITING);
      return { ...refused(entry), verificationId: id, confirmUntil: this.endOf(createdAt) };
    });
  }

  /**
   * Somebody says that a verified recording is the speaker's. What waited is gone afterwards, whatever came of it.
   * Errors: VERIFICATION_NOT_FOUND, OPTED_OUT, CONSENT_REQUIRED, MODEL_MISMATCH, those of the model and of the storage.
   */
  async confirm(id: string): Promise<Lesson> {
    const before = await this.store.read((records) => this.waiting(records, id));
    const [second = null] = await this.gallery.nearestOthers(before.embedding, before.speaker.subject, 1);
    const scorer = this.engine.scorer();
    const done = await this.store.transaction(async (records) => {
      const { speaker, ...waiting } = await this.waiting(records, id);
      await records.waiting.delete(waiting);
      const barred = await this.barredBy(records, speaker);
      const taken =
        barred ?? (await this.take(records, speaker, waiting, 'confirmed', { scorer, rate: null, second }, id));
      return { speaker, taken };
    });
    await this.maintenance.wipeSoon();
    const { speaker, taken } = done;
    const speakerId = speaker.id;
    if (typeof taken !== 'string') {
      this.count('confirmed');
      return answerOf(speakerId, taken);
    }
    this.count(taken);
    if (taken === 'OPTED_OUT') throw optedOut(speakerId);
    if (taken === 'CONSENT_REQUIRED') requireConsent(speaker, true);
    return answerOf(speakerId, taken);
  }

  /** Since when something that waits is too old. */
  oldest(): Date {
    return new Date(this.clock.now().getTime() - this.config.confirmMinutes * 60_000);
  }

  private endOf(createdAt: Date): Date {
    return new Date(createdAt.getTime() + this.config.confirmMinutes * 60_000);
  }

  /** Errors: VERIFICATION_NOT_FOUND, MODEL_MISMATCH. */
  private async waiting(records: VoiceRecords, id: string): Promise<WaitingVerification & { speaker: Speaker }> {
    const found = await records.waiting.find(id);
    const speaker = found && (await records.speakers.find(found.speakerId));
    if (!speaker || found.createdAt < this.oldest()) throw verificationNotFound(id);
    const origin = this.model.origin();
    if (sameOrigin(found.origin, origin)) return { ...found, speaker };
    const { model } = found.origin;
    throw new TimbreError('MODEL_MISMATCH', `it was verified with ${model}, and the loaded model is ${origin.model}`);
  }

  /** What keeps a profile from learning now, whatever the recording is. */
  private async barredBy(records: VoiceRecords, speaker: Speaker): Promise<LearningRefusal | null> {
    const status = consentStatus(speaker);
    if (status === 'WITHDRAWN') return 'OPTED_OUT';
    if (status === 'NOT_RECORDED' && this.consent.required) return 'CONSENT_REQUIRED';
    if (speaker.frozenAt) return 'FROZEN';
    const { learns } = await this.settingOf(records, speaker);
    return learns ? null : 'OFF';
  }

  /** Adds an exemplar with its entry of the ledger, in a transaction; or says why not, and changes nothing. */
  private async take(
    records: VoiceRecords,
    speaker: Speaker,
    candidate: Candidate,
    way: LearningWay,
    by: Judge,
    verificationId: string,
  ): Promise<LedgerEntry | LearningRefusal> {
    const { id: speakerId, subject } = speaker;
    const { origin, embedding, measures, contentSha256 } = candidate;
    const known =
      (await records.enrollments.findByContent(speakerId, origin, contentSha256)) !== null ||
      (await records.ledger.knows(speakerId, contentSha256));
    if (known) return 'KNOWN';
    const createdAt = this.clock.now();
    const { enrollments } = await records.enrollments.ofOrigin(speakerId, origin);
    const verdict = judge(measures, this.model.recordingLimits());
    const added: Enrollment = {
      id: randomUUID(),
      speakerId,
      createdAt,
      fileName: null,
      contentSha256,
      origin,
      embedding,
      measures,
      verdict,
      kind: way,
      setAside: null,
    };
    const outcome = lessonOf({
      way,
      verdict,
      added,
      recordings: enrollments,
      build: (of) => this.keeper.build(speaker, origin, of, createdAt),
      score: (centroid, of) => {
        const score = by.scorer.score(embedding, centroid, { a: { seconds: measures.speechSeconds }, b: of });
        return by.rate === null ? { ...score, decision: null } : score;
      },
      second: by.second && { centroid: by.second.centroid, facts: sideOf(by.second) },
      most: this.config.learnedRecordings,
    });
    if (typeof outcome === 'string') return outcome;

    const { evidence, replaced } = outcome;
    await records.enrollments.insert(added);
    await records.enrollments.change(speakerId, replaced, { setAside: 'replaced' });
    await records.enrollments.trimReplaced(speakerId, origin, REPLACED_KEPT);
    const { cosine, llr, threshold } = evidence.profile;
    const reached =
      way === 'learned' ? { threshold, falseAcceptRate: by.rate } : { threshold: null, falseAcceptRate: null };
    const entry = await records.ledger.append({
      speakerId,
      action: way,
      origin,
      enrollmentId: added.id,
      contentSha256,
      detail: { verificationId, evidence: { cosine, llr, ...reached }, ...(replaced.length > 0 ? { replaced } : {}) },
    });
    await records.audit.record({ action: 'profile.learned', subject, object: entry.id });
    await this.keeper.renew(records, speaker, origin);
    return entry;
  }
}

/** The scorer at a rate; where the model has no threshold for it, evidence alone teaches nothing. */
function judgeAt(scorer: Scorer, rate: number | null): Omit<Judge, 'second'> {
  if (rate === null) return { scorer, rate: null };
  try {
    return { scorer: scorer.at(rate), rate };
  } catch (error) {
    if (error instanceof TimbreError && error.code === 'INVALID_ARGUMENT') return { scorer, rate: null };
    throw error;
  }
}

/** What somebody's word makes up for. */
const CONFIRMING_HELPS: ReadonlySet<LearningRefusal> = new Set(['NO_EVIDENCE', 'WEAK_EVIDENCE', 'LOW_QUALITY']);

/** Of what came of it; nothing waits. */
function answerOf(speakerId: string, outcome: LedgerEntry | LearningRefusal): VerifiedLesson {
  const refused = typeof outcome === 'string';
  return {
    speakerId,
    learned: !refused,
    reason: refused ? outcome : null,
    entry: refused ? null : outcome.id,
    verificationId: null,
    confirmUntil: null,
  };
}

function isOfStorage(error: unknown): boolean {
  return error instanceof TimbreError && (error.code.startsWith('STORAGE_') || error.code === 'CONFLICT');
}

function evidenceOf({ cosine, llr, threshold, falseAcceptRate }: Score): LedgerEvidence {
  return { cosine, llr, threshold, falseAcceptRate };
}

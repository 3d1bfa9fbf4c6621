import { Injectable } from '@nestjs/common';
import { createHash, randomUUID } from 'node:crypto';
import { TimbreError } from '../../errors/timbre-error.js';
import { Config } from '../config/config.js';
import { ConsentPolicy } from '../consent/consent-policy.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { requireConsent } from '../records/consent.js';
import type { Enrollment } from '../records/enrollment.js';
import { keptOf } from '../records/kept-recording.js';
import { judge, judgeUnmeasured, unmeasured, type Measures } from '../records/recording-quality.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import type { Voice } from '../records/voice.js';
import { requireSpeaker } from '../records/require-speaker.js';
import { CurrentModel } from '../voices/current-model.js';
import { ProfileKeeper } from './profile-keeper.js';
import { requireRoom } from './require-room.js';

/** Clocks of two machines differ; a recording from further ahead is a mistake. */
const CLOCK_SKEW_MS = 5 * 60_000;

/** Below it a vector has no direction. */
const SHORTEST = 1e-6;

/** A vector that was made elsewhere. */
export interface GivenVector {
  vector: readonly number[];
  /** `<bundle>@<first 12 digits of its identity>`. */
  model: string;
  /** Net speech of the recording. */
  speechSeconds: number;
  /** Default: now. */
  at?: Date | undefined;
  /** SHA-256 of the recording, hexadecimal; default: of the vector. */
  sha256?: string | undefined;
  fileName?: string | null | undefined;
  /** What was measured on the recording; without, speech alone is judged. */
  measures?: Omit<Measures, 'speechSeconds'> | undefined;
}

/** What became of one vector. */
export interface Imported {
  enrollmentId: string;
  /** The speaker has it already; nothing was added. */
  duplicate: boolean;
  accepted: boolean;
}

/** Profiles of vectors that were made without this service having heard the recordings. */
@Injectable()
export class ImportService {
  constructor(
    private readonly store: UnitOfWork,
    private readonly engine: EmbeddingEngine,
    private readonly model: CurrentModel,
    private readonly keeper: ProfileKeeper,
    private readonly consent: ConsentPolicy,
    private readonly config: Config,
  ) {}

  /**
   * Adds vectors to a speaker, all of them or none; what the speaker has already stays as it is. Errors: SPEAKER_NOT_FOUND,
   * OPTED_OUT, CONSENT_REQUIRED, MODEL_MISMATCH for another model than the loaded one, INVALID_ARGUMENT for a wrong length, a
   * value that is no number, no direction, a time that lies ahead and too many recordings; those of the storage.
   */
  async add(speakerId: string, vectors: readonly GivenVector[]): Promise<Voice & { results: Imported[] }> {
    const origin = this.model.origin();
    const now = new Date();
    const made = vectors.map((given, index) => this.enrollment(speakerId, given, index, now));
    return this.store.transaction(async (records) => {
      const speaker = await requireSpeaker(records, speakerId);
      requireConsent(speaker, this.consent.required);
      const results: Imported[] = [];
      for (const enrollment of made) {
        const { id, contentSha256, verdict } = enrollment;
        if (await records.enrollments.insert(enrollment)) {
          await records.ledger.append({ speakerId, action: 'imported', origin, enrollmentId: id, contentSha256 });
          await records.audit.record({ action: 'enrollment.added', subject: speaker.subject, object: id });
          results.push({ enrollmentId: id, duplicate: false, accepted: verdict.accepted });
        } else {
          const present = await records.enrollments.findByContent(speakerId, origin, contentSha256);
          if (!present) throw new Error('an enrolment is there and is not');
          results.push({ enrollmentId: present.id, duplicate: true, accepted: present.verdict.accepted });
        }
      }
      if (results.every(({ duplicate }) => duplicate)) {
        const profile = await records.profiles.state(speakerId, origin);
        return { speaker, profile, keptRecordings: await keptOf(records, speakerId), results };
      }
      const { enrolled, ...voice } = await this.keeper.renew(records, speaker, origin);
      requireRoom(enrolled, this.config);
      return { ...voice, keptRecordings: await keptOf(records, speakerId), results };
    });
  }

  /** Errors: MODEL_MISMATCH, INVALID_ARGUMENT, which say which vector it is. */
  private enrollment(speakerId: string, given: GivenVector, index: number, now: Date): Enrollment {
    const origin = this.model.origin();
    const { vector, model, speechSeconds, at = now, sha256, fileName = null, measures } = given;
    const wrong = (text: string): TimbreError => new TimbreError('INVALID_ARGUMENT', `vectors[${index}]: ${text}`);
    if (model !== origin.model && model !== this.engine.info().model) {
      throw new TimbreError(
        'MODEL_MISMATCH',
        `vectors[${index}] was made with ${JSON.stringify(model.slice(0, 100))}, and the loaded model is ${origin.model}`,
        { details: { index, loaded: origin.model } },
      );
    }
    const dimension = this.model.dimension();
    if (vector.length !== dimension) throw wrong(`it has ${vector.length} numbers, and the model makes ${dimension}`);
    const embedding = Float32Array.from(vector);
    const length = Math.hypot(...embedding);
    if (!Number.isFinite(length)) throw wrong('it has a value that is no number of 32 bits');
    if (length < SHORTEST) throw wrong('it has no length, and so no direction');
    if (at.getTime() > now.getTime() + CLOCK_SKEW_MS) throw wrong('its time lies in the future');
    const bytes = Buffer.alloc(embedding.length * 4);
    embedding.forEach((x, i) => bytes.writeFloatLE(x, i * 4));
    const all: Measures = { ...(measures ?? unmeasured(speechSeconds)), speechSeconds };
    const limits = this.model.recordingLimits();
    return {
      id: randomUUID(),
      speakerId,
      createdAt: at,
      fileName,
      contentSha256: sha256 ?? createHash('sha256').update(bytes).digest('hex'),
      origin,
      embedding,
      measures: all,
      verdict: measures ? judge(all, limits) : judgeUnmeasured(all, limits),
      kind: 'imported',
      setAside: null,
    };
  }
}

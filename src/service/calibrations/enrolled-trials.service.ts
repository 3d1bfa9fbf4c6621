import { Injectable, Logger } from '@nestjs/common';
import { TimbreError } from '../../errors/timbre-error.js';
import { seededUniform } from '../../evaluation/bootstrap.js';
import { enrolledTrials, type EnrolledRecording } from '../../evaluation/enrolled-trials.js';
import { scoringOf, trialSpeakers } from '../../evaluation/trial-scores.js';
import { readPages } from '../../support/read-pages.js';
import type { Steps } from '../../support/steps.js';
import { ConsentPolicy } from '../consent/consent-policy.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { consentStatus } from '../records/consent.js';
import { sameOrigin, type EmbeddingOrigin } from '../records/embedding.js';
import type { Enrollment } from '../records/enrollment.js';
import type { Speaker } from '../records/speaker.js';
import { UnitOfWork, type Snapshot } from '../records/unit-of-work.js';
import { CurrentModel } from '../voices/current-model.js';
import type { EnrolledTrialsView } from './calibrations.dto.js';

/** People in memory at once while those are found who may be compared. */
const PEOPLE = 50;
/** Recordings in memory at once with their vectors, whose decryption holds the JS thread. */
const VECTORS = 10;
/** Of one person at most this share is of all: a few do not speak for everybody. */
const MOST_OF_ONE = 1 / 20;
/** Of the draw of people. */
const SEED = 1;
/** Numbers of a column that are written in one piece. */
const NUMBERS = 2000;

type Columns = EnrolledTrialsView['trials'];

/** What is known of the recordings that are compared. */
interface Gathered {
  recordings: EnrolledRecording[];
  people: number;
  /** There are more. */
  drawn: boolean;
  unreadable: number;
}

/** Scores of the people who are enrolled, for who measures the service or learns a calibration from them. */
@Injectable()
export class EnrolledTrialsService {
  private readonly logger = new Logger('Calibration');

  constructor(
    private readonly store: UnitOfWork,
    private readonly model: CurrentModel,
    private readonly engine: EmbeddingEngine,
    private readonly policy: ConsentPolicy,
  ) {}

  /**
   * The text of an `EnrolledTrialsView`, in pieces, the first once all is known; `most`: recordings. The comparison is in the audit
   * trail before anything is told.
   * Errors: INVALID_ARGUMENT where nobody is enrolled; MODEL_NOT_READY, ENGINE_CLOSED where no model was ever loaded;
   * OVERLOADED, those of the storage and of the steps.
   */
  async *document(most: number, steps: Steps): AsyncGenerator<string> {
    const { trials, ...head } = await this.compare(most, steps);
    yield `${JSON.stringify(head).slice(0, -1)},"trials":{`;
    let separator = '';
    for (const [name, column] of Object.entries(trials)) {
      yield `${separator}${JSON.stringify(name)}:[`;
      separator = ',';
      for (let from = 0; from < column.length; from += NUMBERS) {
        yield `${from > 0 ? ',' : ''}${column.slice(from, from + NUMBERS).join(',')}`;
        await steps.next();
      }
      yield ']';
    }
    yield '}}';
  }

  /** Errors: as of `document`. */
  private async compare(most: number, steps: Steps): Promise<EnrolledTrialsView> {
    const origin = this.model.lastOrigin() ?? this.model.origin();
    // Calibrations are of the name that the model has now, which stored embeddings may have by another.
    const model = this.engine.state.status === 'ready' ? this.engine.info().model : origin.model;
    const { recordings, ...known } = await this.gather(origin, most, steps);
    if (recordings.length === 0) {
      throw new TimbreError('INVALID_ARGUMENT', `nobody is enrolled with ${origin.model}: there is nothing to compare`);
    }
    await steps.next();
    const trials = await columnsOf(recordings, steps);
    await this.store.transaction(({ audit }) => audit.record({ action: 'enrollments.compared' }));
    return { model, recordings: recordings.length, ...known, trials };
  }

  /** The recordings of people in an order that was drawn, until there are enough of them; as they are at one moment. */
  private async gather(origin: EmbeddingOrigin, most: number, steps: Steps): Promise<Gathered> {
    const mostOfOne = Math.ceil(most * MOST_OF_ONE);
    const gathered: Gathered = { recordings: [], people: 0, drawn: false, unreadable: 0 };
    const { recordings } = gathered;
    const snapshot = await this.store.snapshot();
    try {
      for (const { id, subject } of shuffled(await this.mayBeCompared(snapshot, steps))) {
        const room = Math.min(mostOfOne, most - recordings.length);
        const found = await this.ofPerson(snapshot, id, origin, room + 1, steps).catch((error: unknown) => {
          if (!(error instanceof TimbreError) || error.code !== 'STORAGE_INVALID') throw error;
          this.logger.warn({ subject, err: error, msg: 'somebody is not compared: the records cannot be read' });
          gathered.unreadable++;
          return [];
        });
        if (found.length > room) gathered.drawn = true;
        if (found.length > 0 && room === 0) break;
        if (found.length > 0) gathered.people++;
        const speaker = String(gathered.people);
        for (const { embedding, measures } of found.slice(0, room)) {
          recordings.push({ id: String(recordings.length), speaker, embedding, seconds: measures.speechSeconds });
        }
      }
    } finally {
      await snapshot.close();
    }
    return gathered;
  }

  /** Everybody who has not opted out, and consented where that is required, in the order in which they were added. */
  private async mayBeCompared(snapshot: Snapshot, steps: Steps): Promise<Pick<Speaker, 'id' | 'subject'>[]> {
    const { required } = this.policy;
    const found: Pick<Speaker, 'id' | 'subject'>[] = [];
    const pages = readPages<Speaker>(steps, PEOPLE, (after, limit) =>
      snapshot.read(({ speakers }) => speakers.page(after, limit)),
    );
    for await (const speakers of pages) {
      for (const speaker of speakers) {
        const status = consentStatus(speaker);
        if (status === 'GIVEN' || (status === 'NOT_RECORDED' && !required)) {
          found.push({ id: speaker.id, subject: speaker.subject });
        }
      }
    }
    return found;
  }

  /**
   * The first `limit` recordings that count, oldest first; without those that were learned by evidence alone: it is that evidence
   * which is to be measured. Errors: those of the storage and of the steps.
   */
  private async ofPerson(
    snapshot: Snapshot,
    id: string,
    origin: EmbeddingOrigin,
    limit: number,
    steps: Steps,
  ): Promise<Enrollment[]> {
    await steps.next();
    const profile = await snapshot.read(({ profiles }) => profiles.state(id, origin));
    if (!profile) return [];
    const members = new Set(profile.members.flatMap((one) => (one.outlier ? [] : one.enrollmentId)));
    const found: Enrollment[] = [];
    const pages = readPages<Enrollment>(steps, VECTORS, (after, size) =>
      snapshot.read(({ enrollments }) =>
        enrollments.withEmbeddings(id, after && [after.createdAt.getTime(), after.id], size),
      ),
    );
    for await (const page of pages) {
      for (const one of page) {
        const counts = members.has(one.id) && one.setAside === null && one.verdict.accepted && one.kind !== 'learned';
        if (counts && sameOrigin(one.origin, origin)) found.push(one);
        if (found.length === limit) return found;
      }
    }
    return found;
  }
}

/** The trials of recordings, scored beside other requests. Errors: those of the steps. */
async function columnsOf(recordings: readonly EnrolledRecording[], steps: Steps): Promise<Columns> {
  const { list, table, speakerOf } = enrolledTrials(recordings);
  await steps.next();
  const scoring = scoringOf(list, table, 'none');
  for (;;) {
    const { done, value: scores } = scoring.next();
    await steps.next();
    if (!done) continue;
    const speakers = trialSpeakers(list, scores.trials, speakerOf);
    await steps.next();
    return {
      labels: Array.from(scores.labels, (label) => (label === 1 ? 1 : 0)),
      scores: Array.from(scores.scores),
      enrolmentSeconds: Array.from(scores.secondsA, toMilliseconds),
      testSeconds: Array.from(scores.secondsB, toMilliseconds),
      recordings: Array.from(scores.recordings),
      enrolmentSpeakers: Array.from(speakers.a),
      testSpeakers: Array.from(speakers.b),
    };
  }
}

/** What a number of 32 bits has beyond makes the answer longer. */
function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

/** In an order that was drawn, the same for the same list. */
function shuffled<T>(list: readonly T[]): T[] {
  const random = seededUniform(SEED);
  const order = [...list];
  for (let i = order.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}

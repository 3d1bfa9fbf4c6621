import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { EmbedResult } from '../../addon/types.js';
import type { ErrorCode } from '../../errors/error-codes.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { actAs, currentActor } from '../../support/actor.js';
import { Bell } from '../../support/bell.js';
import { Clock } from '../../support/clock.js';
import { ConsentPolicy } from '../consent/consent-policy.js';
import { keepTrying, passes, RequestsFirst } from '../engine/background.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { ProfileKeeper } from '../enrollments/profile-keeper.js';
import { Places } from '../http/pages.js';
import { toTimbreError } from '../http/to-timbre-error.js';
import { Traffic } from '../http/traffic.js';
import { Metrics } from '../metrics/metrics.service.js';
import { ChangeFeed } from '../records/change-feed.js';
import { requireConsent } from '../records/consent.js';
import { checkEmbedding, sameOrigin, type EmbeddingOrigin } from '../records/embedding.js';
import type { EnrollmentInfo } from '../records/enrollment.js';
import { KeptAudio, readAll } from '../records/kept-audio.js';
import { Leader } from '../records/leader.js';
import { Maintenance } from '../records/maintenance.js';
import { newReEmbedding, type LeftCount, type LeftPerson, type ReEmbedding } from '../records/re-embedding.js';
import { judge, measuresOf } from '../records/recording-quality.js';
import type { Speaker } from '../records/speaker.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';
import { CurrentModel } from '../voices/current-model.js';

const TASK = 're-embedding';

/** How often other processes' runs are looked for: whoever works on one may be gone. */
const LOOK_MS = 10_000;

/** How long counts over all enrolments are given again, and how many times as long as counting them took, at least. */
const COUNT_AGAIN_MS = 60_000;
const TIMES_AS_LONG = 20;

/** Speakers looked up at once. */
const BATCH = 50;

const PEOPLE = new Places<[string]>('people', ['string']);

/** Why somebody, or what of somebody, has no vector of the model. */
export type LeftReason = 'NO_AUDIO' | 'WAITING' | ErrorCode;

export type Left = LeftPerson & { reason: LeftReason };

export interface ReEmbeddingStatus {
  /** Null before the first. */
  run: ReEmbedding | null;
  /** Who has recordings that the model in use has not embedded, or while one runs the model of that; and when they were counted. */
  left: LeftCount & { countedAt: Date };
  /** `people` were counted with `left`. */
  kept: { recordings: number; bytes: number; people: number };
}

/** What reads all enrolments and all kept recordings. */
interface Counts {
  left: LeftCount & { countedAt: Date };
  keptPeople: number;
}

/** A recording that the model has embedded, and the enrolment that it is of. */
interface Embedded {
  source: EnrollmentInfo;
  result: EmbedResult;
}

/**
 * Embeds every kept recording by the model in use, speaker by speaker. A speaker switches in one transaction, with what says
 * that the run has passed; so that a run goes on where the last speaker became durable, whoever was killed meanwhile. Vectors of
 * other models stay until everybody was passed, and go then where the recording has one of this model.
 */
@Injectable()
export class ReEmbeddingService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('ReEmbedding');
  private readonly stopping = new AbortController();
  private readonly bell = new Bell();
  private readonly count: (result: string) => void;
  private current: { id: string; controller: AbortController } | undefined;
  private running: Promise<void> | undefined;
  private requests: RequestsFirst | undefined;
  /** The last counts, and the run that was the last then, with its state and the model. */
  private counted: { of: string; counts: Counts } | undefined;
  private counting: { of: string; counts: Promise<Counts> } | undefined;
  private callOff: () => void = () => undefined;

  constructor(
    private readonly store: UnitOfWork,
    private readonly audio: KeptAudio,
    private readonly engine: EmbeddingEngine,
    private readonly model: CurrentModel,
    private readonly keeper: ProfileKeeper,
    private readonly consent: ConsentPolicy,
    private readonly leader: Leader,
    private readonly maintenance: Maintenance,
    private readonly feed: ChangeFeed,
    private readonly clock: Clock,
    traffic: Traffic,
    metrics: Metrics,
  ) {
    traffic.onDrain(() => this.stop());
    this.count = metrics.counter(
      'timbre_re_embedded_people_total',
      'People whose kept recordings were looked at for the model in use.',
      'result',
    );
  }

  onApplicationBootstrap(): void {
    this.requests = new RequestsFirst(this.engine);
    this.running = this.run();
  }

  async onModuleDestroy(): Promise<void> {
    this.stop();
    await this.running;
    await this.counting?.counts.catch(() => undefined);
    this.callOff();
    this.requests?.close();
  }

  /** Settles when nothing is embedded here any more: where the model cannot be loaded, or the service stops. */
  async settled(): Promise<void> {
    await this.running;
  }

  /**
   * Begins, unless one runs: that is given then. Errors: CONFLICT where one runs that nodes of another model may be working on;
   * MODEL_NOT_READY, ENGINE_CLOSED, OVERLOADED, those of the storage.
   */
  async start(): Promise<ReEmbedding> {
    const origin = this.model.origin();
    const known = await this.store.read(({ reEmbeddings }) => reEmbeddings.running());
    if (known) return this.requireOurs(known);
    // Outside of the transaction, in which everybody would wait for it.
    const { left, keptPeople } = await this.countAll(origin);
    const run = await this.store.transaction(async ({ reEmbeddings, audit }) => {
      const before = await reEmbeddings.running();
      if (before) return this.requireOurs(before);
      const { people, withoutAudio } = left;
      const counts = { people, withoutAudio };
      const made = newReEmbedding(randomUUID(), origin, currentActor().by, keptPeople, counts, left.countedAt);
      await reEmbeddings.insert(made);
      await audit.record({ action: 're-embedding.started', object: made.id });
      return made;
    });
    this.bell.ring();
    return run;
  }

  /**
   * While one runs, two rows are read for it and nothing is counted: who is left was counted when it began, and its row is less by
   * everybody who was switched. Otherwise all are counted, once a minute at most and no more than a twentieth of the time,
   * and anew where one has ended since: `countedAt` says of when it is. Errors: MODEL_NOT_READY where no model was ever loaded,
   * OVERLOADED where too much is read already; those of the storage.
   */
  async status(): Promise<ReEmbeddingStatus> {
    const origin = this.model.lastOrigin() ?? this.model.origin();
    const { run, totals } = await this.store.read(async ({ reEmbeddings, recordings }) => ({
      run: await reEmbeddings.last(),
      totals: await recordings.totals(),
    }));
    if (run?.state === 'running' && run.left) {
      return { run, left: { ...run.left, countedAt: run.createdAt }, kept: { ...totals, people: run.people } };
    }
    const { left, keptPeople } = await this.counts(JSON.stringify([run?.id, run?.state, origin]), origin);
    return { run, left, kept: { ...totals, people: keptPeople } };
  }

  /** Who is left, by id. Errors: INVALID_ARGUMENT for a cursor of another list; as of `status`. */
  async left(limit: number, cursor: string | undefined): Promise<{ rows: Left[]; nextCursor: string | null }> {
    const origin = this.model.lastOrigin() ?? this.model.origin();
    const after = PEOPLE.decode(cursor);
    return this.store.read(async ({ reEmbeddings }) => {
      const found = await reEmbeddings.left(origin, after?.[0] ?? '', limit + 1);
      const { rows, nextCursor } = PEOPLE.page(found, limit, ({ speakerId }) => [speakerId]);
      return { rows: rows.map((one) => ({ ...one, reason: reasonOf(one) })), nextCursor };
    });
  }

  /** Ends the one that runs; who was switched stays so, and vectors of other models stay. Safe to repeat. */
  async cancel(): Promise<void> {
    const id = await this.store.transaction(async ({ reEmbeddings, audit }) => {
      const run = await reEmbeddings.running();
      if (!run) return null;
      await reEmbeddings.update({ ...run, state: 'cancelled', finishedAt: new Date() });
      await audit.record({ action: 're-embedding.cancelled', object: run.id });
      return run.id;
    });
    const { current } = this;
    if (current && current.id === id) current.controller.abort();
  }

  /** Errors: CONFLICT. */
  private requireOurs(run: ReEmbedding): ReEmbedding {
    if (!this.feed.shared || sameOrigin(run.origin, this.model.origin())) return run;
    throw new TimbreError(
      'CONFLICT',
      `the embedding by ${run.origin.model} is not done, and another node may be working on it; ` +
        '`timbre re-embed --cancel` ends it',
    );
  }

  /** As of `of`, which says what makes earlier counts worthless. Who asks while it is counted gets what comes of that. */
  private counts(of: string, origin: EmbeddingOrigin): Promise<Counts> {
    if (this.counted?.of === of) return Promise.resolve(this.counted.counts);
    if (this.counting?.of === of) return this.counting.counts;
    const began = performance.now();
    const counting = this.countAll(origin)
      .then((counts) => {
        this.callOff();
        this.counted = { of, counts };
        const wait = Math.max(COUNT_AGAIN_MS, TIMES_AS_LONG * (performance.now() - began));
        this.callOff = this.clock.after(wait, () => (this.counted = undefined));
        return counts;
      })
      .finally(() => {
        if (this.counting?.counts === counting) this.counting = undefined;
      });
    this.counting = { of, counts: counting };
    return counting;
  }

  /** Beside everybody else, who does not wait for it. */
  private async countAll(origin: EmbeddingOrigin): Promise<Counts> {
    const countedAt = new Date();
    const snapshot = await this.store.snapshot();
    try {
      return await snapshot.read(async ({ reEmbeddings, recordings }) => ({
        left: { ...(await reEmbeddings.countLeft(origin)), countedAt },
        keptPeople: await recordings.countSpeakers(),
      }));
    } finally {
      await snapshot.close();
    }
  }

  private stop(): void {
    this.stopping.abort();
    this.current?.controller.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const stopped = new Promise<null>((resolve) => {
      signal.addEventListener('abort', () => resolve(null), { once: true });
    });
    const ready = this.engine.ready().then(
      (): TimbreError | null => null,
      (error: unknown) => toTimbreError(error),
    );
    // Without a model nothing is done here: another node may have it, or this one when it is started again.
    if (await Promise.race([ready, stopped])) return;
    const turn = async (): Promise<boolean> => {
      const { rings } = this.bell;
      await this.leader.lead(TASK, () => actAs({ by: TASK, requestId: null }, () => this.goOn()));
      await this.bell.after(rings, signal, this.feed.shared ? LOOK_MS : undefined);
      return true;
    };
    await keepTrying(signal, turn, (error, seconds) => {
      const { code, message } = error;
      this.logger.warn({ code, err: error, msg: `the embedding of kept recordings waits ${seconds} s: ${message}` });
    });
  }

  /** Works on the one that runs until it ends, or the service stops. Throws what passes. */
  private async goOn(): Promise<void> {
    for (;;) {
      const run = await this.store.read(({ reEmbeddings }) => reEmbeddings.running());
      if (!run || this.stopping.signal.aborted) return;
      const origin = this.model.origin();
      if (!sameOrigin(origin, run.origin)) {
        // Of several nodes another may have the model that it was begun with.
        if (this.feed.shared) return;
        const message = `it was begun with ${run.origin.model}, and the model that is loaded is ${origin.model}; begin anew`;
        await this.finish(run, new TimbreError('MODEL_MISMATCH', message));
        return;
      }
      const controller = new AbortController();
      this.current = { id: run.id, controller };
      try {
        await (run.phase === 'embedding' ? this.embedSome(run, controller.signal) : this.removeSome(run));
      } catch (error) {
        // A run that was cancelled is over, whatever came of its last speaker.
        if (!controller.signal.aborted) throw error;
      } finally {
        this.current = undefined;
      }
    }
  }

  private async embedSome(run: ReEmbedding, signal: AbortSignal): Promise<void> {
    const ids = await this.store.read(({ recordings }) => recordings.speakers(run.place, BATCH));
    for (const id of ids) {
      await this.requests?.wait(signal);
      if (signal.aborted || !(await this.person(run.id, id, signal))) return;
    }
    if (ids.length < BATCH) await this.change(run.id, (now) => ({ ...now, phase: 'removing', place: '' }));
  }

  /** One speaker; false where the run is over. Errors: those that pass. */
  private async person(runId: string, speakerId: string, signal: AbortSignal): Promise<boolean> {
    const { speaker, sources } = await this.store.read(async (records) => {
      const found = await records.speakers.find(speakerId);
      const kept = await records.recordings.contents(speakerId);
      const all = found ? await records.enrollments.ofOtherModels(speakerId, this.model.origin()) : [];
      return { speaker: found, sources: all.filter(({ contentSha256 }) => kept.has(contentSha256)) };
    });
    let failure: TimbreError | null = speaker && this.consentError(speaker);
    const embedded: Embedded[] = [];
    if (speaker && !failure) {
      const lanes = Math.max(1, this.engine.info().workers - 1);
      for (let from = 0; from < sources.length; from += lanes) {
        const some = await Promise.all(
          sources.slice(from, from + lanes).map((source) => this.embed(source, signal).catch(toTimbreError)),
        );
        for (const one of some) {
          if (!(one instanceof TimbreError)) embedded.push(one);
          else if (passes(one)) throw one;
          else failure ??= one;
        }
      }
    }
    try {
      return await this.settle(runId, speakerId, speaker, embedded, failure);
    } catch (thrown) {
      const error = toTimbreError(thrown);
      if (passes(error)) throw error;
      // Records that another program has changed, most likely: they cost nobody else anything.
      this.logger.warn({ subject: speaker?.subject, err: thrown, msg: 'somebody could not be switched to the model' });
      return this.settle(runId, speakerId, speaker, [], error);
    }
  }

  private async embed(source: EnrollmentInfo, signal: AbortSignal): Promise<Embedded> {
    const { speakerId, contentSha256 } = source;
    const stored = await this.store.read(({ recordings }) => recordings.find(speakerId, contentSha256));
    // Removed a moment ago: nobody is to wait for it.
    if (!stored) throw new TimbreError('RECORDING_NOT_KEPT', 'the audio was removed meanwhile');
    const bytes = await readAll(this.audio, stored);
    try {
      const result = await this.engine.embedAdmitted(bytes, { signal });
      checkEmbedding(result.embedding, this.model.dimension());
      return { source, result };
    } finally {
      bytes.fill(0);
      stored.key.fill(0);
    }
  }

  /** The speaker switches, and the run has passed, together. False where the run is over. */
  private settle(
    runId: string,
    place: string,
    before: Speaker | null,
    embedded: readonly Embedded[],
    failure: TimbreError | null,
  ): Promise<boolean> {
    let result = 'gone';
    const settled = this.store.transaction(async (records) => {
      const run = await records.reEmbeddings.running();
      if (run?.id !== runId) return false;
      const now = new Date();
      const found = before && (await records.speakers.find(before.id));
      // Erased meanwhile; another of the same id is somebody else, whose recordings are of this model.
      if (!found || found.subject !== before.subject) {
        await records.reEmbeddings.update({ ...run, place });
        return true;
      }
      const refused = this.consentError(found);
      const refusal = refused ?? failure;
      const left = await records.reEmbeddings.leftOf(run.origin, found.id);
      const switched = refused ? 0 : await this.switchOver(records, found, embedded);
      const stillLeft = switched > 0 ? await records.reEmbeddings.leftOf(run.origin, found.id) : left;
      await records.reEmbeddings.noteFailure(found.id, refusal?.code ?? null, now);
      result = refusal ? 'failed' : 'done';
      await records.reEmbeddings.update({
        ...run,
        place,
        done: run.done + (refusal ? 0 : 1),
        failed: run.failed + (refusal ? 1 : 0),
        recordings: run.recordings + switched,
        left: run.left && lessBy(run.left, left, stillLeft),
      });
      return true;
    });
    return settled.then((done) => {
      if (done) this.count(result);
      return done;
    });
  }

  /** Gives how many recordings are of the model now. */
  private async switchOver(records: VoiceRecords, speaker: Speaker, embedded: readonly Embedded[]): Promise<number> {
    const origin = this.model.origin();
    const limits = this.model.recordingLimits();
    /** New ids of the vectors of before, by origin. */
    const aside = new Map<string, { origin: EnrollmentInfo['origin']; ids: Map<string, string> }>();
    const switched: string[] = [];
    for (const { source, result } of embedded) {
      if (!(await records.recordings.contents(speaker.id)).has(source.contentSha256)) continue;
      const measures = measuresOf(result);
      const { embedding } = result;
      const made = { ...source, origin, embedding, measures, verdict: judge(measures, limits) };
      const moved = await records.enrollments.supersede(made);
      if (moved === null) continue;
      const name = JSON.stringify(source.origin);
      const of = aside.get(name) ?? { origin: source.origin, ids: new Map<string, string>() };
      of.ids.set(source.id, moved);
      aside.set(name, of);
      switched.push(source.id);
    }
    if (switched.length === 0) return 0;
    // Profiles of before are those of the same vectors, by their new ids.
    for (const { origin: of, ids } of aside.values()) {
      const profile = await records.profiles.find(speaker.id, of).catch(notAsWritten);
      if (!profile) continue;
      const members = profile.members.map((one) => ({
        ...one,
        enrollmentId: ids.get(one.enrollmentId) ?? one.enrollmentId,
      }));
      await records.profiles.put({ ...profile, members });
    }
    await this.keeper.renew(records, speaker, origin, false);
    const { id } = await records.ledger.append({
      speakerId: speaker.id,
      action: 're-embedded',
      origin,
      detail: { recordings: switched },
    });
    await records.audit.record({ action: 'profile.re-embedded', subject: speaker.subject, object: id });
    return switched.length;
  }

  private async removeSome(run: ReEmbedding): Promise<void> {
    const ids = await this.store.read(({ reEmbeddings }) => reEmbeddings.superseded(run.origin, run.place, BATCH));
    for (const id of ids) {
      if (this.stopping.signal.aborted) return;
      const going = await this.removeOf(run, id);
      if (!going) return;
    }
    if (ids.length === BATCH) return;
    await this.maintenance.wipeSoon();
    await this.finish(run, null);
  }

  /** Vectors of other models that have one of this beside them; false where the run is over. Errors: those that pass. */
  private async removeOf(run: ReEmbedding, speakerId: string): Promise<boolean> {
    const place = speakerId;
    try {
      return await this.change(run.id, async (now, records) => {
        let speaker = await records.speakers.find(speakerId);
        if (!speaker) return { ...now, place };
        const { origins, count } = await records.enrollments.deleteSuperseded(speakerId, run.origin);
        for (const origin of origins) ({ speaker } = await this.keeper.renew(records, speaker, origin, false));
        return { ...now, place, removed: now.removed + count };
      });
    } catch (thrown) {
      if (passes(toTimbreError(thrown))) throw thrown;
      this.logger.warn({ err: thrown, msg: 'vectors of another model could not be removed of somebody' });
      return this.change(run.id, (now) => ({ ...now, place }));
    }
  }

  /** Changes the run while it runs, in a transaction; false where it is over. */
  private change(
    id: string,
    to: (run: ReEmbedding, records: VoiceRecords) => ReEmbedding | Promise<ReEmbedding>,
  ): Promise<boolean> {
    return this.store.transaction(async (records) => {
      const run = await records.reEmbeddings.running();
      if (run?.id !== id) return false;
      await records.reEmbeddings.update(await to(run, records));
      return true;
    });
  }

  private async finish({ id }: ReEmbedding, error: TimbreError | null): Promise<void> {
    const ended = await this.change(id, async (run, { audit }) => {
      const outcome = error?.code ?? 'OK';
      await audit.record({ action: 're-embedding.finished', object: id, outcome });
      const how = error ? ({ state: 'failed', error: { code: error.code, message: error.message } } as const) : null;
      return { ...run, state: 'completed', ...how, finishedAt: new Date() };
    });
    if (!ended) return;
    if (error) this.logger.warn({ code: error.code, msg: `embedding kept recordings ended: ${error.message}` });
    else this.logger.log('every recording that is kept was embedded by the model in use');
  }

  private consentError(speaker: Speaker): TimbreError | null {
    try {
      requireConsent(speaker, this.consent.required);
      return null;
    } catch (error) {
      return toTimbreError(error);
    }
  }
}

/** The counts of all where those of one speaker have changed. Who has enrolled since they were counted makes none negative. */
function lessBy(all: LeftCount, before: LeftCount, after: LeftCount): LeftCount {
  return {
    people: Math.max(0, all.people - before.people + after.people),
    withoutAudio: Math.max(0, all.withoutAudio - before.withoutAudio + after.withoutAudio),
  };
}

/** A profile that another program has changed stays as it is: nobody believes it. */
function notAsWritten(error: unknown): null {
  if (error instanceof TimbreError && error.code === 'STORAGE_INVALID') return null;
  throw error;
}

function reasonOf({ audioKept, code }: LeftPerson): LeftReason {
  if (code !== null) return code;
  return audioKept === 0 ? 'NO_AUDIO' : 'WAITING';
}

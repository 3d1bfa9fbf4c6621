import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { speakerCounts } from '../../addon/speaker-counts.js';
import type { ConversationOptions, ConversationProgress, ConversationResult, EmbedOptions } from '../../addon/types.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { Config } from '../config/config.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { toTimbreError } from '../http/to-timbre-error.js';
import { Places } from '../http/pages.js';
import { claimLost, JobRunner, type JobWork } from '../jobs/job-runner.js';
import { JobsService } from '../jobs/jobs.service.js';
import { Metrics } from '../metrics/metrics.service.js';
import {
  conversationNotFound,
  conversationsOff,
  type Conversation,
  type ConversationOutcome,
  type ConversationQuestion,
  type ListedConversation,
} from '../records/conversation.js';
import type { ItemError, Job, JobItem } from '../records/job.js';
import { JobQueue, type Claim } from '../records/job-queue.js';
import { Maintenance } from '../records/maintenance.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { boundTo } from '../records/bound.js';
import { requireGroup } from '../records/membership.js';
import { speakerNotFound, type Speaker } from '../records/speaker.js';
import { Steps, type StepBounds } from '../../support/steps.js';
import type { Recording } from '../uploads/recording.js';
import type { ConversationFields } from './conversations.dto.js';
import { unknownVoicesOff } from '../records/unknown-voice.js';
import { VoiceKeeper } from '../unknown-voices/voice-keeper.js';
import { WatchLists } from '../watch/watch-lists.js';
import { VoiceNamer, type NamedVoices } from './voice-namer.js';

const CONVERSATIONS = new Places<[createdAt: number, id: string]>('conversations', ['number', 'string']);

/** How a conversation ends that was heard. */
type Done = Extract<ConversationOutcome, { state: 'done' }>;

/** What is asked, and the people whom names are looked for of: subjects by id. */
interface Asked {
  question: ConversationQuestion;
  candidates: ReadonlyMap<string, string> | null;
}

/** A conversation, and of the people whom it names those whom the caller may know of, by id. */
export interface ToldConversation {
  conversation: Conversation;
  speakers: ReadonlyMap<string, Speaker>;
}

export interface ConversationPage extends Pick<ToldConversation, 'speakers'> {
  conversations: ListedConversation[];
  /** Of all pages. */
  total: number;
  nextCursor: string | null;
}

/** Runs in the transaction that stores the conversation. */
type AlongWith = (records: VoiceRecords, conversation: Conversation) => Promise<void>;

@Injectable()
export class ConversationsService implements JobWork {
  private readonly count: (result: string) => void;
  private readonly countNames: (result: string) => void;
  /** Of those that are being worked on, by id. */
  private readonly underWay = new Map<string, ConversationProgress>();

  constructor(
    private readonly store: UnitOfWork,
    private readonly queue: JobQueue,
    private readonly engine: EmbeddingEngine,
    private readonly jobs: JobsService,
    private readonly maintenance: Maintenance,
    private readonly namer: VoiceNamer,
    private readonly trail: AuditTrail,
    private readonly watch: WatchLists,
    private readonly keeper: VoiceKeeper,
    private readonly config: Config,
    runner: JobRunner,
    metrics: Metrics,
  ) {
    runner.workOnConversations(this);
    this.count = metrics.counter('timbre_conversations_total', 'Conversations, by what came of them.', 'result');
    this.countNames = metrics.counter(
      'timbre_voice_names_total',
      'Voices of conversations that names were asked for, by what came of them.',
      'result',
    );
  }

  /**
   * Whether a conversation would be taken on now; `later`: as a job.
   * Errors: CONVERSATIONS_OFF, MODEL_NOT_READY, OVERLOADED.
   */
  async admit(later: boolean): Promise<void> {
    if (!this.config.conversations) throw conversationsOff();
    if (later) await this.jobs.admit();
    else await this.engine.admitConversation();
  }

  /**
   * Who speaks when in a recording: at once where it is short, otherwise, or with `later`, as a job, which takes the
   * recording over. It is durable when this resolves.
   * Errors: those of the recording, INVALID_ARGUMENT, SPEAKER_NOT_FOUND and GROUP_NOT_FOUND for people whose names are
   * asked for, CONVERSATIONS_OFF, UNKNOWN_VOICES_OFF, MODEL_NOT_READY, OVERLOADED, WRITE_FAILED, those of the storage.
   */
  async create(
    recording: Recording,
    fields: ConversationFields,
    { later, ...bounds }: EmbedOptions & { later: boolean },
    alongWith: AlongWith = () => Promise.resolve(),
  ): Promise<Conversation> {
    // Nobody shall hear of it from a job.
    speakerCounts(optionsOf(fields));
    if (fields.unknownVoices === 'keep' && !this.config.unknownVoices) throw unknownVoicesOff();
    const asked = await this.asked(fields);
    await this.admit(later);
    const heard = later ? null : await this.direct(recording, asked.question, bounds);
    const { filename } = recording;
    const conversation: Conversation = {
      id: randomUUID(),
      state: 'waiting',
      createdAt: new Date(),
      finishedAt: null,
      jobId: null,
      fileName: filename === '' ? null : filename,
      question: asked.question,
      boundTo: boundTo(),
      findings: null,
      people: [],
      kept: [],
      error: null,
    };
    if (!heard) return this.createLater(conversation, asked, recording, alongWith);
    const done = await this.conclude(conversation, asked, heard, bounds, async (records, outcome) => {
      const made: Conversation = { ...conversation, ...outcome, finishedAt: new Date() };
      await insert(records, made, asked, alongWith);
      return made;
    });
    this.count('done');
    return done;
  }

  /** Errors: INVALID_ARGUMENT, SPEAKER_NOT_FOUND, GROUP_NOT_FOUND. */
  private async asked({ names, group, candidates, falseAcceptRate, ...question }: ConversationFields): Promise<Asked> {
    const among = [group === undefined ? [] : 'group', candidates ? 'candidates' : []].flat();
    const said = [...among, falseAcceptRate === undefined ? [] : 'falseAcceptRate'].flat().join(' and ');
    if (names === 'none' && said !== '')
      throw new TimbreError('INVALID_ARGUMENT', `names is none, and ${said} is given`);
    if (names === 'all' && among.length > 0) {
      throw new TimbreError('INVALID_ARGUMENT', `names is all, and ${among.join(' and ')} is given: leave one out`);
    }
    if (names !== 'all' && among.length === 0) {
      if (said === '') return { question, candidates: null };
      throw new TimbreError('INVALID_ARGUMENT', `${said} goes with names=all, group or candidates`);
    }
    const asked = await this.store.read(async (records): Promise<Asked> => {
      const uid = group === undefined ? undefined : (await requireGroup(records, group)).uid;
      const naming = { group: uid, candidates: candidates !== undefined, falseAcceptRate };
      const subjects = candidates ? await subjectsOf(records, candidates) : null;
      const unknown = candidates?.find((id) => !subjects?.has(id));
      if (unknown !== undefined) throw speakerNotFound(unknown);
      return { question: { ...question, naming }, candidates: subjects };
    });
    this.namer.admit(falseAcceptRate);
    return asked;
  }

  private async createLater(
    conversation: Conversation,
    asked: Asked,
    recording: Recording,
    alongWith: AlongWith,
  ): Promise<Conversation> {
    const { id: conversationId, fileName } = conversation;
    const jobId = randomUUID();
    const waiting = { ...conversation, jobId };
    const item = { speakerId: null, fileName, path: null, conversationId };
    await this.jobs.addWork(jobId, [item], [recording], (records) => insert(records, waiting, asked, alongWith));
    return waiting;
  }

  /**
   * Names the voices, where that was asked for, and stores what was found, in the transaction in which everybody who is named
   * is there still; voices without a name are kept in it where that is switched on. What `store` throws undoes it. Errors: those
   * of the namer, of the storage and of the steps.
   */
  private async conclude<T>(
    conversation: Pick<Conversation, 'id' | 'createdAt'>,
    asked: Asked,
    heard: ConversationResult,
    bounds: StepBounds,
    store: (records: VoiceRecords, outcome: Done) => Promise<T>,
  ): Promise<T> {
    const { id } = conversation;
    const done = await this.nameAndStore(conversation, asked, heard, bounds, store);
    this.watch.heard(
      heard.speakers.map(({ label, embedding, ownSeconds }) => {
        return { embedding, seconds: ownSeconds, from: 'conversation', conversation: { id, label } };
      }),
    );
    return done;
  }

  private async nameAndStore<T>(
    conversation: Pick<Conversation, 'id' | 'createdAt'>,
    { question: { naming, unknownVoices }, candidates }: Asked,
    heard: ConversationResult,
    bounds: StepBounds,
    store: (records: VoiceRecords, outcome: Done) => Promise<T>,
  ): Promise<T> {
    const { id } = conversation;
    const asked = naming && { ...naming, candidates: candidates ? new Set(candidates.values()) : undefined };
    const without = new Set<string>();
    for (;;) {
      const steps = new Steps(bounds);
      const named = asked ? await this.namer.decide(heard.speakers, asked, without, steps) : null;
      const reasons = named?.voices.map(({ reason }) => reason);
      const kept = await this.keeper.decide(heard, reasons, unknownVoices, steps);
      const done = await this.store.transaction(async (records) => {
        const gone = named && asked ? await this.namer.gone(records, named, asked) : [];
        for (const subject of gone) without.add(subject);
        if (gone.length > 0 || (kept && !(await this.keeper.fits(records, kept)))) return null;
        const stored = await store(records, outcomeOf(heard, named));
        if (named) await recordNames(records, id, named);
        if (kept) await this.keeper.keep(records, conversation, kept);
        return { stored };
      });
      if (!done) continue;
      if (kept) this.keeper.tell(kept);
      for (const { reason } of named?.voices ?? []) {
        this.countNames(reason ?? 'named');
        if (reason !== null) this.trail.unmatched({ action: 'voice.named', object: id, outcome: reason });
      }
      return done.stored;
    }
  }

  /** Null where the recording is too long to be answered at once. */
  private async direct(
    { audio }: Recording,
    question: ConversationQuestion,
    bounds: EmbedOptions,
  ): Promise<ConversationResult | null> {
    const { directConversationSeconds, maxConversationSeconds } = this.config;
    if (directConversationSeconds === 0) return null;
    const maxSeconds = Math.min(directConversationSeconds, maxConversationSeconds);
    const { signal, timeoutMs } = bounds;
    const options = { ...optionsOf(question), maxSeconds, ...(signal && { signal }), ...(timeoutMs && { timeoutMs }) };
    try {
      return await this.engine.converse(audio, options);
    } catch (thrown) {
      const error = toTimbreError(thrown);
      if (error.code === 'AUDIO_TOO_LONG' && maxSeconds < maxConversationSeconds) return null;
      if (error.code !== 'ABORTED' && error.code !== 'OVERLOADED') this.count(error.code);
      throw error;
    }
  }

  async run(claim: Claim, { audio }: Recording, signal: AbortSignal): Promise<Job> {
    const id = claim.item.conversationId!;
    const conversation = await this.store.read(({ conversations }) => conversations.find(id));
    if (!conversation) throw conversationNotFound(id);
    if (!this.config.conversations) throw conversationsOff();
    await unlessAborted(this.engine.readyForConversations(), signal);
    const { maxConversationSeconds: maxSeconds } = this.config;
    let result: ConversationResult;
    try {
      const onProgress = (progress: ConversationProgress): void => void this.underWay.set(id, progress);
      result = await this.engine.converse(audio, {
        ...optionsOf(conversation.question),
        maxSeconds,
        signal,
        onProgress,
      });
    } finally {
      this.underWay.delete(id);
    }
    const { question } = conversation;
    const asked = { question, candidates: question.naming?.candidates ? await this.candidates(id) : null };
    const job = await this.conclude(conversation, asked, result, { signal }, async (records, outcome) => {
      const now = new Date();
      const settled = await this.queue.settle(records, claim, { result: null }, now);
      if (!settled || !(await records.conversations.finish(id, outcome, now))) throw claimLost();
      return settled;
    });
    this.count('done');
    return job;
  }

  /** Of a conversation that waits: those who are there still. */
  private candidates(id: string): Promise<Map<string, string>> {
    return this.store.read(async (records) => subjectsOf(records, await records.conversations.candidates(id)));
  }

  async failed(
    { conversations }: VoiceRecords,
    { conversationId }: JobItem,
    error: ItemError,
    now: Date,
  ): Promise<void> {
    await conversations.finish(conversationId!, { state: 'failed', error }, now);
    this.count(error.code);
  }

  /** How far the work on it is; null where nobody works on it. */
  progressOf(id: string): ConversationProgress | null {
    return this.underWay.get(id) ?? null;
  }

  /** Errors: CONVERSATION_NOT_FOUND. */
  get(id: string): Promise<ToldConversation> {
    return this.store.read(async (records) => {
      const found = await records.conversations.find(id);
      if (!found) throw conversationNotFound(id);
      return { conversation: found, speakers: await speakersOf(records, [found]) };
    });
  }

  /** Newest first. Errors: INVALID_ARGUMENT for a cursor of nobody's. */
  page(limit: number, cursor: string | undefined): Promise<ConversationPage> {
    const after = CONVERSATIONS.decode(cursor);
    return this.store.read(async (records) => {
      const { conversations } = records;
      const place = after && { createdAt: new Date(after[0]), id: after[1] };
      // One more than asked for tells whether there is another page.
      const found = await conversations.page(place, limit + 1);
      const { rows, nextCursor } = CONVERSATIONS.page(found, limit, ({ createdAt, id }) => [createdAt.getTime(), id]);
      const speakers = await speakersOf(records, rows);
      return { conversations: rows, speakers, total: await conversations.count(), nextCursor };
    });
  }

  /** Removes all that is stored of it, and cancels its job where that works on it still. Errors: CONVERSATION_NOT_FOUND. */
  async remove(id: string): Promise<void> {
    const found = await this.store.read(({ conversations }) => conversations.find(id));
    if (!found) throw conversationNotFound(id);
    const { jobId } = found;
    if (jobId !== null) await this.jobs.end(jobId);
    await this.store.transaction(async ({ conversations, audit }) => {
      if (!(await conversations.delete(id))) throw conversationNotFound(id);
      await audit.record({ action: 'conversation.erased', object: id });
    });
    await this.maintenance.wipeSoon();
  }
}

/** Errors: SPEAKER_NOT_FOUND for a candidate who was erased meanwhile. */
async function insert(
  records: VoiceRecords,
  conversation: Conversation,
  { candidates }: Asked,
  alongWith: AlongWith,
): Promise<void> {
  const waits = conversation.state === 'waiting' && candidates ? candidates : new Map<string, string>();
  const there = await subjectsOf(records, [...waits.keys()]);
  for (const [id, subject] of waits) if (there.get(id) !== subject) throw speakerNotFound(id);
  await records.conversations.insert(conversation, [...waits.keys()]);
  await records.audit.record({ action: 'conversation.created', object: conversation.id });
  await alongWith(records, conversation);
}

/** Of those who are there, and may be seen: subjects by id. */
async function subjectsOf({ speakers }: VoiceRecords, ids: readonly string[]): Promise<Map<string, string>> {
  return new Map((await speakers.findMany(ids)).map(({ id, subject }) => [id, subject]));
}

/** Whom they name. */
async function speakersOf(
  { speakers }: VoiceRecords,
  conversations: readonly Pick<Conversation, 'people' | 'kept'>[],
): Promise<Map<string, Speaker>> {
  const ids = new Set(
    conversations.flatMap(({ people, kept }) => [...people, ...kept].flatMap(({ speakerId }) => speakerId ?? [])),
  );
  const found = await speakers.findMany([...ids]);
  return new Map(found.map((speaker) => [speaker.id, speaker]));
}

/** In the trail, and that these voices were heard, which keeps their people from growing stale. */
async function recordNames(
  { speakers, audit }: VoiceRecords,
  conversationId: string,
  { voices, subjects }: NamedVoices,
): Promise<void> {
  const now = new Date();
  const named = voices.flatMap(({ nearest }) => (nearest?.named ? [subjects.get(nearest.speakerId)!] : []));
  for (const subject of named) {
    await audit.record({ action: 'voice.named', subject, object: conversationId, outcome: 'ACCEPT' });
  }
  await speakers.used(new Map(named.map((subject) => [subject, now])));
}

/** What the engine is asked, without what was left open. */
function optionsOf(question: ConversationQuestion): ConversationOptions {
  const { speakers, minSpeakers, maxSpeakers, kind, channel, track } = question;
  const options = { speakers, minSpeakers, maxSpeakers, kind, channel, track };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Without the voices. */
function outcomeOf(heard: ConversationResult, named: NamedVoices | null): Done {
  const { seconds, speakers, turns, model, segmentation, audio } = heard;
  const unnamed = { reason: null, missingSeconds: 0, sameAs: null, nearest: null };
  const found = speakers.map(({ embedding: _, ...speaker }, index) => {
    const { nearest, ...outcome } = named?.voices[index] ?? unnamed;
    return { finding: { ...speaker, ...outcome }, nearest };
  });
  return {
    state: 'done',
    findings: {
      seconds,
      speakers: found.map(({ finding }) => finding),
      turns,
      model,
      segmentation,
      audio,
      naming: named?.rule ?? null,
    },
    people: found.flatMap(({ nearest }) => nearest ?? []),
  };
}

/** Errors: ABORTED; those of the work, which goes on by itself where nobody waits for it. */
function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    const stop = (): void => fail(new TimbreError('ABORTED', 'the recording is not wanted any more'));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    void work.then(done, fail).finally(() => signal.removeEventListener('abort', stop));
  });
}

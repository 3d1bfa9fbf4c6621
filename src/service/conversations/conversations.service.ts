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
  type Conversation,
  type ConversationFindings,
  type ConversationQuestion,
  type ListedConversation,
} from '../records/conversation.js';
import type { ItemError, Job, JobItem } from '../records/job.js';
import { JobQueue, type Claim } from '../records/job-queue.js';
import { Maintenance } from '../records/maintenance.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';
import type { Recording } from '../uploads/recording.js';

const CONVERSATIONS = new Places<[createdAt: number, id: string]>('conversations', ['number', 'string']);

/** Runs in the transaction that stores the conversation. */
type AlongWith = (records: VoiceRecords, conversation: Conversation) => Promise<void>;

@Injectable()
export class ConversationsService implements JobWork {
  private readonly count: (result: string) => void;
  /** Of those that are being worked on, by id. */
  private readonly underWay = new Map<string, ConversationProgress>();

  constructor(
    private readonly store: UnitOfWork,
    private readonly queue: JobQueue,
    private readonly engine: EmbeddingEngine,
    private readonly jobs: JobsService,
    private readonly maintenance: Maintenance,
    private readonly config: Config,
    runner: JobRunner,
    metrics: Metrics,
  ) {
    runner.workOnConversations(this);
    this.count = metrics.counter('timbre_conversations_total', 'Conversations, by what came of them.', 'result');
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
   * Errors: those of the recording, INVALID_ARGUMENT, CONVERSATIONS_OFF, MODEL_NOT_READY, OVERLOADED, WRITE_FAILED, those
   * of the storage.
   */
  async create(
    recording: Recording,
    question: ConversationQuestion,
    { later, ...bounds }: EmbedOptions & { later: boolean },
    alongWith: AlongWith = () => Promise.resolve(),
  ): Promise<Conversation> {
    // Nobody shall hear of it from a job.
    speakerCounts(optionsOf(question));
    await this.admit(later);
    const direct = later ? null : await this.direct(recording, question, bounds);
    const { filename } = recording;
    const conversation: Conversation = {
      id: randomUUID(),
      state: 'waiting',
      createdAt: new Date(),
      finishedAt: null,
      jobId: null,
      fileName: filename === '' ? null : filename,
      question,
      findings: null,
      error: null,
    };
    if (!direct) return this.createLater(conversation, recording, alongWith);
    const done: Conversation = { ...conversation, state: 'done', finishedAt: new Date(), findings: findingsOf(direct) };
    await this.store.transaction((records) => insert(records, done, alongWith));
    this.count('done');
    return done;
  }

  private async createLater(
    conversation: Conversation,
    recording: Recording,
    alongWith: AlongWith,
  ): Promise<Conversation> {
    const { id: conversationId, fileName } = conversation;
    const jobId = randomUUID();
    const waiting = { ...conversation, jobId };
    const item = { speakerId: null, fileName, path: null, conversationId };
    await this.jobs.addWork(jobId, [item], [recording], (records) => insert(records, waiting, alongWith));
    return waiting;
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
    const now = new Date();
    const job = await this.store.transaction(async (records) => {
      const settled = await this.queue.settle(records, claim, { result: null }, now);
      const outcome = { state: 'done', findings: findingsOf(result) } as const;
      if (!settled || !(await records.conversations.finish(id, outcome, now))) throw claimLost();
      return settled;
    });
    this.count('done');
    return job;
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
  async get(id: string): Promise<Conversation> {
    const found = await this.store.read(({ conversations }) => conversations.find(id));
    if (!found) throw conversationNotFound(id);
    return found;
  }

  /** Newest first. Errors: INVALID_ARGUMENT for a cursor of nobody's. */
  page(
    limit: number,
    cursor: string | undefined,
  ): Promise<{ conversations: ListedConversation[]; total: number; nextCursor: string | null }> {
    const after = CONVERSATIONS.decode(cursor);
    return this.store.read(async ({ conversations }) => {
      const place = after && { createdAt: new Date(after[0]), id: after[1] };
      // One more than asked for tells whether there is another page.
      const found = await conversations.page(place, limit + 1);
      const { rows, nextCursor } = CONVERSATIONS.page(found, limit, ({ createdAt, id }) => [createdAt.getTime(), id]);
      return { conversations: rows, total: await conversations.count(), nextCursor };
    });
  }

  /** Removes all that is stored of it, and cancels its job where that works on it still. Errors: CONVERSATION_NOT_FOUND. */
  async remove(id: string): Promise<void> {
    const { jobId } = await this.get(id);
    if (jobId !== null) await this.jobs.end(jobId);
    await this.store.transaction(async ({ conversations, audit }) => {
      if (!(await conversations.delete(id))) throw conversationNotFound(id);
      await audit.record({ action: 'conversation.erased', object: id });
    });
    await this.maintenance.wipeSoon();
  }
}

async function insert(records: VoiceRecords, conversation: Conversation, alongWith: AlongWith): Promise<void> {
  await records.conversations.insert(conversation);
  await records.audit.record({ action: 'conversation.created', object: conversation.id });
  await alongWith(records, conversation);
}

/** Without what was left open. */
function optionsOf(question: ConversationQuestion): ConversationOptions {
  return Object.fromEntries(Object.entries(question).filter(([, value]) => value !== undefined));
}

/** Without the voices. */
function findingsOf({
  seconds,
  speakers,
  turns,
  model,
  segmentation,
  audio,
}: ConversationResult): ConversationFindings {
  const { channel } = audio;
  if (channel === 'each') throw new Error('the channels of a conversation are not asked for one by one');
  return {
    seconds,
    speakers: speakers.map(({ label, speechSeconds, ownSeconds, turns: count }) => ({
      label,
      speechSeconds,
      ownSeconds,
      turns: count,
    })),
    turns,
    model,
    segmentation,
    audio: { ...audio, channel },
  };
}

function conversationsOff(): TimbreError {
  return new TimbreError(
    'CONVERSATIONS_OFF',
    'this service is set up without conversations: TIMBRE_CONVERSATIONS=on turns them on',
  );
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

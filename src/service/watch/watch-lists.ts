import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import type { OpenSetDecision } from '../../scoring/decision-policy.js';
import type { Scorer } from '../../scoring/scorer.js';
import { Clock } from '../../support/clock.js';
import { Config } from '../config/config.js';
import { floorsOf } from '../config/floors.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { Metrics } from '../metrics/metrics.service.js';
import { boundTo } from '../records/bound.js';
import type { Group, WatchedGroup } from '../records/group.js';
import { requireGroup } from '../records/membership.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import { sideOf, VoiceIndex, type VoiceMatch } from '../voices/voice-index.js';

export type WatchSource = 'verification' | 'identification' | 'conversation';

/** A voice that somebody asked about. */
export interface HeardVoice {
  /** Of any length above zero. */
  embedding: Float32Array;
  /** Of speech. */
  seconds: number;
  from: WatchSource;
  /** Of a conversation: where it is heard. */
  conversation?: { id: string; label: string };
}

/** A member of a list who was heard. */
interface Match {
  list: WatchedGroup;
  person: VoiceMatch;
  decision: Exclude<OpenSetDecision, 'REJECT'>;
  llr: number;
  gallerySize: number;
}

/** Members with the highest cosines, of whom the one with the most evidence is reported. */
const NEAREST = 8;

/** Milliseconds that voices wait for others: the lists are read once for all of them. */
const GATHER_MS = 100;

/** Calls whose voices wait to be compared; beyond, voices are not, and the log says so. */
const MOST_WAITING = 1000;

/**
 * Groups whose members are reported when they are heard: an entry of the audit trail and an event for webhooks. Voices are
 * compared when their call has been answered, so that neither the answer nor its time tells; a crash loses those of the
 * last moment. Who acts while bound to groups is compared with those alone.
 */
@Injectable()
export class WatchLists implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Watch');
  private readonly underWay = new Set<Promise<void>>();
  /** A reading of the lists that has not begun. */
  private reading: Promise<WatchedGroup[]> | undefined;
  private readonly count: (result: string) => void;

  constructor(
    private readonly store: UnitOfWork,
    private readonly engine: EmbeddingEngine,
    private readonly index: VoiceIndex,
    private readonly clock: Clock,
    private readonly config: Config,
    metrics: Metrics,
  ) {
    const help = 'Voices that were compared with a watch list, by what came of it.';
    this.count = metrics.counter('timbre_watch_total', help, 'result');
  }

  /** Null: the group is no watch list. Errors: GROUP_NOT_FOUND, those of the storage. */
  async rateOf(groupId: string): Promise<number | null> {
    return this.store.read(async (records) => (await requireGroup(records, groupId)).watchRate);
  }

  /**
   * Makes the group a watch list, reporting at this rate of false accepts per voice. Errors: GROUP_NOT_FOUND; INVALID_ARGUMENT
   * where the model cannot decide at that rate; MODEL_NOT_READY, ENGINE_CLOSED; CONFLICT; those of the storage.
   */
  async set(groupId: string, falseAcceptRate: number): Promise<void> {
    this.engine.scorerAt(falseAcceptRate);
    await this.change(groupId, falseAcceptRate);
  }

  /** The group is no watch list any more. Errors: GROUP_NOT_FOUND, CONFLICT, those of the storage. */
  end(groupId: string): Promise<void> {
    return this.change(groupId, null);
  }

  /** To be called when the answer is decided; waits for nothing. */
  heard(voices: readonly HeardVoice[]): void {
    if (this.underWay.size >= MOST_WAITING) {
      this.count('lost');
      this.logger.error(`${voices.length} voices were not compared with the watch lists: too many wait`);
      return;
    }
    const work: Promise<void> = this.look(voices)
      .catch((error: unknown) => {
        this.count('failed');
        this.logger.error({ err: error, msg: 'voices were not compared with the watch lists' });
      })
      .finally(() => this.underWay.delete(work));
    this.underWay.add(work);
  }

  /** Settles when everything that was heard until now has been compared. */
  async settled(): Promise<void> {
    await Promise.all(this.underWay);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.settled();
  }

  private change(groupId: string, watchRate: number | null): Promise<void> {
    return this.store.transaction(async (records) => {
      const group = await requireGroup(records, groupId);
      if (group.watchRate === watchRate) return;
      await records.groups.update({ ...group, watchRate, updatedAt: new Date() });
      await records.audit.record({ action: watchRate === null ? 'watch.ended' : 'watch.set', object: group.uid });
    });
  }

  private async look(voices: readonly HeardVoice[]): Promise<void> {
    const floor = floorsOf(this.config).match;
    const comparable = voices.filter(({ seconds }) => seconds >= floor);
    if (comparable.length === 0) return;
    const lists = await this.lists();
    if (lists.length === 0) return;
    await this.index.ready();
    for (const voice of comparable) {
      for (const list of lists) {
        const match = await this.compare(voice, list);
        if (match && (await this.report(voice, match))) this.count('matched');
        else this.count('none');
      }
    }
  }

  /** As they are after this call. */
  private lists(): Promise<WatchedGroup[]> {
    const read = (): Promise<WatchedGroup[]> => this.store.readOne(({ groups }) => groups.watched());
    // Who is bound reads others.
    if (boundTo()) return read();
    this.reading ??= delay(GATHER_MS).then(() => {
      this.reading = undefined;
      return read();
    });
    return this.reading;
  }

  private async compare({ embedding, seconds, from }: HeardVoice, list: WatchedGroup): Promise<Match | null> {
    const among = { groups: [list.uid] };
    const gallerySize = await this.index.countOf(among);
    if (gallerySize === 0) return null;
    const scorer = this.scorer(from, list.watchRate);
    const found = await this.index.search(embedding, NEAREST, among);
    const side = scorer.side(embedding, { seconds });
    const [first, second] = found
      .map((person) => ({ person, score: scorer.compare(side, scorer.side(person.centroid, sideOf(person))) }))
      .sort((a, b) => (b.score.llr ?? b.score.cosine) - (a.score.llr ?? a.score.cosine));
    if (first?.score.llr == null) return null;
    const { decision } = scorer.openSet(first.score, second?.score ?? null, gallerySize);
    if (decision === null || decision === 'REJECT') return null;
    return { list, person: first.person, decision, llr: first.score.llr, gallerySize };
  }

  private scorer(from: WatchSource, rate: number): Scorer {
    return from === 'conversation' ? this.engine.voiceScorer(rate) : this.engine.scorerAt(rate);
  }

  /** False where the person may not be told of any more: erased, opted out, no member, or the list is none. */
  private report(
    { from, conversation }: HeardVoice,
    { list, person, decision, llr, gallerySize }: Match,
  ): Promise<boolean> {
    return this.store.transaction(async ({ groups, speakers, audit, webhooks }) => {
      const [group, speaker] = [await groups.find(list.id), await speakers.find(person.speakerId)];
      if (!isWatched(group, list) || speaker?.subject !== person.subject || speaker.optedOutAt) return false;
      if (!speaker.groups.some(({ uid }) => uid === list.uid)) return false;
      await audit.record({ action: 'watch.matched', subject: person.subject, object: list.uid, outcome: from });
      const data = {
        group: list.id,
        speakerId: speaker.id,
        decision,
        llr,
        falseAcceptRate: list.watchRate,
        gallerySize,
        from,
        conversation: conversation ?? null,
      };
      await webhooks.announce('watch.matched', data, this.clock.now(), { speakerId: speaker.id });
      return true;
    });
  }
}

function isWatched(group: Group | null, { uid, watchRate }: WatchedGroup): boolean {
  return group?.uid === uid && group.watchRate === watchRate;
}

import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Places } from '../http/pages.js';
import { Metrics } from '../metrics/metrics.service.js';
import { enrollmentNotFound } from '../records/enrollment.js';
import { KeptAudio, type StoredAudio } from '../records/kept-audio.js';
import {
  keepingOf,
  recordingNotKept,
  type KeepingSetting,
  type KeepingSource,
  type KeptPlace,
  type KeptRecording,
} from '../records/kept-recording.js';
import { Leader } from '../records/leader.js';
import { Maintenance } from '../records/maintenance.js';
import { requireGroup } from '../records/membership.js';
import { requireSpeaker } from '../records/require-speaker.js';
import type { Speaker } from '../records/speaker.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';
import type { Recording } from '../uploads/recording.js';
import { EnrolledAudio } from './enrolled-audio.js';

const PLACES = new Places<KeptPlace>('recordings', ['number', 'string']);

const SWEEP_MS = 3600_000;

/** Whether the audio of a speaker's enrolments is kept from now on, and who says so. */
export interface Keeping {
  keeps: boolean;
  from: KeepingSource;
}

/**
 * Audio of enrolments that is kept, so that another model can embed it. Errors of every call: SPEAKER_NOT_FOUND where it is
 * about one, those of the storage.
 */
@Injectable()
export class RecordingsService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Recordings');
  private readonly count: (result: string) => void;
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: UnitOfWork,
    private readonly audio: KeptAudio,
    private readonly maintenance: Maintenance,
    private readonly leader: Leader,
    private readonly config: Config,
    metrics: Metrics,
  ) {
    this.count = metrics.counter(
      'timbre_recordings_kept_total',
      'Recordings that were enrolled while keeping was on, by what became of their audio.',
      'result',
    );
    metrics.gauges('timbre_kept_recordings', 'Recordings whose audio is kept, and their bytes.', 'of', () =>
      this.store.read(({ recordings }) => recordings.totals()),
    );
  }

  /** Beside requests, for which nothing of it has to be done: what processes that were killed have left goes. */
  onApplicationBootstrap(): void {
    this.sweeping = this.sweep();
    this.timer = setInterval(() => {
      this.sweeping = this.sweep();
    }, SWEEP_MS).unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    await this.sweeping;
  }

  /** Waits for the sweep that is under way, if one is. */
  async settled(): Promise<void> {
    await this.sweeping;
  }

  async settingOf({ groups }: Pick<VoiceRecords, 'groups'>, speaker: Pick<Speaker, 'groups'>): Promise<Keeping> {
    const ofGroups = await groups.keepingOf(speaker.groups.map(({ uid }) => uid));
    return keepingOf(ofGroups, this.config.keepRecordings);
  }

  /** The audio of recordings that are about to be enrolled. */
  ofEnrolment(recordings: readonly (Recording & { part: boolean })[]): EnrolledAudio {
    return new EnrolledAudio(recordings, {
      audio: this.audio,
      limits: { one: this.config.keptRecordingBytes, all: this.config.keptBytes },
      count: this.count,
      warn: (error) => this.logger.warn({ err: error, msg: 'audio that nothing names could not be removed yet' }),
    });
  }

  /** What is said of a group's members. Errors: GROUP_NOT_FOUND. */
  keepingOfGroup(groupId: string): Promise<KeepingSetting | null> {
    return this.store.read(async (records) => (await requireGroup(records, groupId)).keeping);
  }

  /** What is kept already stays. Errors: GROUP_NOT_FOUND, CONFLICT. */
  setKeepingOfGroup(groupId: string, setting: KeepingSetting | null): Promise<KeepingSetting | null> {
    return this.store.transaction(async (records) => {
      const group = await requireGroup(records, groupId);
      if (group.keeping === setting) return setting;
      await records.groups.update({ ...group, keeping: setting, updatedAt: new Date() });
      await records.audit.record({ action: 'keeping.set', object: group.uid });
      return setting;
    });
  }

  /** Whose audio is kept, oldest first, and whether more will be. Errors: INVALID_ARGUMENT for a cursor of another list. */
  page(
    speakerId: string,
    limit: number,
    cursor: string | undefined,
  ): Promise<Keeping & { rows: KeptRecording[]; nextCursor: string | null }> {
    const after = PLACES.decode(cursor);
    return this.store.read(async (records) => {
      const speaker = await requireSpeaker(records, speakerId);
      const found = await records.recordings.page(speakerId, after, limit + 1);
      const page = PLACES.page(found, limit, ({ createdAt, id }): KeptPlace => [createdAt.getTime(), id]);
      return { ...page, ...(await this.settingOf(records, speaker)) };
    });
  }

  /** Removes all audio of a speaker for good; enrolments and profile stay. Says how many recordings there were. */
  async remove(speakerId: string): Promise<number> {
    const removed = await this.store.transaction(async (records) => {
      const { subject } = await requireSpeaker(records, speakerId);
      const count = await records.recordings.deleteOf(speakerId);
      if (count > 0) await records.audit.record({ action: 'recordings.removed', subject });
      return count;
    });
    if (removed > 0) await this.maintenance.wipeSoon();
    return removed;
  }

  /**
   * Removes the oldest audio that was kept before this time, of `limit` recordings at most, as `remove` does. Says of how many.
   * What one call leaves to be removed from the disk is no more than that.
   */
  async removeOlder(before: Date, limit: number): Promise<number> {
    const removed = await this.store.transaction(async ({ recordings, speakers, audit }) => {
      const gone = await recordings.trim(before, limit);
      const of = new Set(gone.map(({ speakerId }) => speakerId));
      for (const { subject } of await speakers.findMany([...of])) {
        await audit.record({ action: 'recordings.removed', subject });
      }
      return gone.length;
    });
    if (removed > 0) await this.maintenance.wipeSoon();
    return removed;
  }

  /**
   * The recording of an enrolment, byte for byte as it was uploaded; the trail says who has it.
   * Errors: ENROLLMENT_NOT_FOUND, RECORDING_NOT_KEPT, STORAGE_INVALID.
   */
  async open(speakerId: string, enrollmentId: string): Promise<{ bytes: number; pieces: AsyncGenerator<Buffer> }> {
    const stored = await this.store.transaction(async (records): Promise<StoredAudio> => {
      const { subject } = await requireSpeaker(records, speakerId);
      const enrollment = await records.enrollments.find(speakerId, enrollmentId);
      if (!enrollment) throw enrollmentNotFound(speakerId, enrollmentId);
      const found = await records.recordings.find(speakerId, enrollment.contentSha256);
      if (!found) throw recordingNotKept(enrollmentId);
      await records.audit.record({ action: 'recording.exported', subject, object: enrollmentId });
      return found;
    });
    return { bytes: stored.bytes, pieces: this.audio.read(stored) };
  }

  private async sweep(): Promise<void> {
    try {
      const swept = await this.leader.lead('kept audio', () => this.audio.sweep(this.stopping.signal));
      if (swept) this.logger.log(`the audio of ${swept} recordings that were not enrolled after all was removed`);
    } catch (error) {
      this.logger.warn({ err: error, msg: 'audio that nothing names could not be removed; the next hour tries again' });
    }
  }
}

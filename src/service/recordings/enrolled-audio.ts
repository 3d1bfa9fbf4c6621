import type { KeptAudio, StoredAudio } from '../records/kept-audio.js';
import type { NotKept } from '../records/kept-recording.js';
import type { Speaker } from '../records/speaker.js';
import type { VoiceRecords } from '../records/unit-of-work.js';
import type { Recording } from '../uploads/recording.js';

interface Given {
  audio: KeptAudio;
  /** Bytes of one recording, and of all together. */
  limits: { one: number; all: number };
  count: (result: string) => void;
  warn: (error: unknown) => void;
}

/**
 * The audio of the recordings of one enrolment: sealed and on the disk before the transaction that enrols them, named by
 * a record in it, and removed after it where no record names it.
 */
export class EnrolledAudio {
  /** By content. */
  private readonly stored = new Map<string, StoredAudio>();
  private readonly refused = new Map<string, NotKept>();

  constructor(
    private readonly recordings: readonly (Pick<Recording, 'audio' | 'bytes' | 'sha256'> & { part: boolean })[],
    private readonly given: Given,
  ) {}

  /**
   * Stores what may be kept of these contents, each once. `keeps` and `used`, the bytes that are kept of everybody, are as they were read
   * last: what is decided here is decided again by `keep`. Errors: STORAGE_FULL, STORAGE_UNAVAILABLE, AUDIO_CORRUPT; `end` removes what was stored.
   */
  async store(keeps: boolean, used: number, contents: ReadonlySet<string>): Promise<void> {
    if (!keeps) return;
    let sum = used;
    for (const { sha256, bytes, part, audio } of this.recordings) {
      if (!contents.has(sha256) || this.stored.has(sha256)) continue;
      const reason = this.reasonAgainst(bytes, part, sum);
      if (reason) this.refused.set(sha256, reason);
      else {
        this.refused.delete(sha256);
        this.stored.set(sha256, await this.given.audio.store(audio, sha256));
        sum += bytes;
      }
    }
  }

  /**
   * In the transaction that enrols: keeps the audio of a recording. `keeps`: whether the speaker's is kept, as it is now. Null where it
   * is kept, or was before; otherwise why it is not.
   */
  async keep(
    records: VoiceRecords,
    speaker: Speaker,
    keeps: boolean,
    { contentSha256, id: enrollmentId }: { contentSha256: string; id: string },
    now: Date,
  ): Promise<NotKept | null> {
    if (!keeps) return 'OFF';
    const stored = this.stored.get(contentSha256);
    // Switched on a moment ago: the next enrolment is kept.
    if (!stored) return this.refused.get(contentSha256) ?? 'OFF';
    const { bytes, id, key } = stored;
    if ((await records.recordings.totals()).bytes + bytes > this.given.limits.all) return 'NO_ROOM';
    const recording = { id, speakerId: speaker.id, contentSha256, createdAt: now, bytes };
    if (await records.recordings.insert(recording, key)) {
      await records.audit.record({ action: 'recording.kept', subject: speaker.subject, object: enrollmentId });
    }
    return null;
  }

  /** What came of the recordings becomes a number of the metrics. */
  tell(outcomes: readonly (NotKept | null)[]): void {
    for (const outcome of outcomes) if (outcome !== 'OFF') this.given.count(outcome ?? 'KEPT');
  }

  /** After the transaction, whatever came of it: what no record names goes; what cannot go now is swept. */
  async end(): Promise<void> {
    const ids = Array.from(this.stored.values(), ({ id, key }) => {
      key.fill(0);
      return id;
    });
    if (ids.length > 0) await this.given.audio.discard(ids).catch(this.given.warn);
  }

  private reasonAgainst(bytes: number, part: boolean, sum: number): NotKept | null {
    const { one, all } = this.given.limits;
    if (part) return 'PART';
    if (bytes > one) return 'TOO_LARGE';
    return sum + bytes > all ? 'NO_ROOM' : null;
  }
}

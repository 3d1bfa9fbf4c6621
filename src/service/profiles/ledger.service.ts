import { Injectable } from '@nestjs/common';
import { TimbreError } from '../../errors/timbre-error.js';
import { ProfileKeeper } from '../enrollments/profile-keeper.js';
import { Places } from '../http/pages.js';
import { Metrics } from '../metrics/metrics.service.js';
import type { LearningSetting, LearningSource } from '../records/learning.js';
import { ledgerEntryNotFound, UNDOABLE, type LedgerEntry, type LedgerPlace } from '../records/ledger.js';
import { Maintenance } from '../records/maintenance.js';
import { requireGroup } from '../records/membership.js';
import type { Speaker } from '../records/speaker.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';
import { requireSpeaker } from '../records/require-speaker.js';
import { LearningService } from './learning.service.js';
import { Changed, undoMove } from './moves.js';

const PLACES = new Places<LedgerPlace>('ledger', ['number', 'string']);
const PAGE = 200;

/** An entry, and the id of the other person where there is one whom the caller may see. */
export interface ShownEntry {
  entry: LedgerEntry;
  other: string | null;
}

/** What a profile does about learning. */
export interface LearningState {
  speakerId: string;
  setting: LearningSetting | null;
  learns: boolean;
  from: LearningSource;
  frozenAt: Date | null;
}

/** Every change of a profile, and the way back. Errors of every call: SPEAKER_NOT_FOUND, those of the storage. */
@Injectable()
export class LedgerService {
  private readonly count: (action: string) => void;

  constructor(
    private readonly store: UnitOfWork,
    private readonly keeper: ProfileKeeper,
    private readonly learning: LearningService,
    private readonly maintenance: Maintenance,
    metrics: Metrics,
  ) {
    this.count = metrics.counter('timbre_ledger_undone_total', 'Changes of profiles that were undone.', 'action');
  }

  /** Newest first. Errors: INVALID_ARGUMENT for a cursor of another list. */
  page(
    speakerId: string,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ rows: ShownEntry[]; nextCursor: string | null }> {
    const after = PLACES.decode(cursor);
    return this.store.read(async (records) => {
      await requireSpeaker(records, speakerId);
      const found = await records.ledger.page(speakerId, after, limit + 1);
      const { rows, nextCursor } = PLACES.page(found, limit, ({ at, id }) => [at.getTime(), id]);
      return { rows: await shown(records, rows), nextCursor };
    });
  }

  /**
   * Takes one change back; the profile is made of the recordings that remain. What was learned is deleted for good.
   * Errors: LEDGER_ENTRY_NOT_FOUND, LEDGER_ENTRY_UNDONE, LEDGER_ENTRY_FINAL, MODEL_NOT_READY.
   */
  async undo(speakerId: string, entryId: string): Promise<ShownEntry> {
    const entry = await this.store.transaction(async (records) => {
      const speaker = await requireSpeaker(records, speakerId);
      const found = await records.ledger.find(speakerId, entryId);
      if (!found) throw ledgerEntryNotFound(speakerId, entryId);
      if (found.undoneAt)
        throw new TimbreError('LEDGER_ENTRY_UNDONE', `it was undone at ${found.undoneAt.toISOString()}`);
      if (!UNDOABLE.includes(found.action)) throw isFinal(found);
      const changed = new Changed();
      if (!(await this.takeBack(records, speaker, found, changed))) throw isGone(found);
      await this.renew(records, changed);
      const [now] = await shown(records, [(await records.ledger.find(speakerId, entryId))!]);
      return now!;
    });
    this.count(entry.entry.action);
    await this.maintenance.wipeSoon();
    return entry;
  }

  /**
   * Takes back all that can be since a moment, the newest first, in one transaction; `left` are those whose other person, or
   * recording, is not there any more. Errors: MODEL_NOT_READY.
   */
  async undoSince(speakerId: string, since: Date): Promise<{ undone: LedgerEntry[]; left: LedgerEntry[] }> {
    const done = await this.store.transaction(async (records) => {
      const speaker = await requireSpeaker(records, speakerId);
      const changed = new Changed();
      const [undone, left]: LedgerEntry[][] = [[], []];
      for (let after: LedgerPlace | null = null; ;) {
        const place: LedgerPlace | null = after;
        const rows: LedgerEntry[] = await records.ledger.page(speakerId, place, PAGE);
        for (const { id } of rows.filter(({ at }) => at >= since)) {
          // Read anew: undoing another may have undone it.
          const entry = (await records.ledger.find(speakerId, id))!;
          if (entry.undoneAt || !UNDOABLE.includes(entry.action)) continue;
          const taken = await this.takeBack(records, changed.get(speaker), entry, changed);
          (taken ? undone : left)!.push(entry);
        }
        const last = rows.at(-1);
        if (rows.length < PAGE || !last || last.at < since) break;
        after = [last.at.getTime(), last.id];
      }
      await this.renew(records, changed);
      return { undone: undone!, left: left! };
    });
    for (const { action } of done.undone) this.count(action);
    if (done.undone.length > 0) await this.maintenance.wipeSoon();
    return done;
  }

  learningOf(speakerId: string): Promise<LearningState> {
    return this.store.read(async (records) => this.state(records, await requireSpeaker(records, speakerId)));
  }

  /** Switches learning on or off for a speaker, and freezes the profile or lets it go on. */
  async setLearning(
    speakerId: string,
    { setting, frozen }: { setting?: LearningSetting | null | undefined; frozen?: boolean | undefined },
  ): Promise<LearningState> {
    let forgotten = 0;
    const done = await this.store.transaction(async (records) => {
      const speaker = await requireSpeaker(records, speakerId);
      const now = new Date();
      const { subject } = speaker;
      const turns = frozen !== undefined && frozen !== (speaker.frozenAt !== null);
      if (!turns && (setting === undefined || setting === speaker.learning)) return this.state(records, speaker);
      const changed = await records.speakers.update({
        ...speaker,
        learning: setting === undefined ? speaker.learning : setting,
        frozenAt: turns ? (frozen ? now : null) : speaker.frozenAt,
        updatedAt: now,
      });
      if (changed.learning !== speaker.learning) await records.audit.record({ action: 'learning.set', subject });
      if (turns) {
        const action = frozen ? 'frozen' : 'unfrozen';
        const { id } = await records.ledger.append({ speakerId, action });
        await records.audit.record({ action: `profile.${action}`, subject, object: id });
      }
      // Nothing is to wait for a profile that learns no more.
      const state = await this.state(records, changed);
      if (!state.learns || state.frozenAt) forgotten = await records.waiting.deleteOf(speakerId);
      return state;
    });
    if (forgotten > 0) await this.maintenance.wipeSoon();
    return done;
  }

  /** What is said of a group's profiles. Errors: GROUP_NOT_FOUND. */
  learningOfGroup(groupId: string): Promise<LearningSetting | null> {
    return this.store.read(async (records) => (await requireGroup(records, groupId)).learning);
  }

  /** Errors: GROUP_NOT_FOUND. */
  setLearningOfGroup(groupId: string, setting: LearningSetting | null): Promise<LearningSetting | null> {
    return this.store.transaction(async (records) => {
      const group = await requireGroup(records, groupId);
      if (group.learning === setting) return setting;
      await records.groups.update({ ...group, learning: setting, updatedAt: new Date() });
      await records.audit.record({ action: 'learning.set', object: group.uid });
      return setting;
    });
  }

  private async state(records: VoiceRecords, speaker: Speaker): Promise<LearningState> {
    const { id: speakerId, learning: setting, frozenAt } = speaker;
    return { speakerId, setting, frozenAt, ...(await this.learning.settingOf(records, speaker)) };
  }

  /** False where the other person, or the recording, is not there any more; nothing was changed then. */
  private async takeBack(
    records: VoiceRecords,
    speaker: Speaker,
    entry: LedgerEntry,
    changed: Changed,
  ): Promise<boolean> {
    const now = new Date();
    const { id, enrollmentId, origin, detail } = entry;
    if (enrollmentId === null || !origin) {
      if (!(await undoMove(records, speaker, entry, changed, now))) return false;
    } else {
      const recording = await records.enrollments.find(speaker.id, enrollmentId);
      if (!recording) return false;
      await records.enrollments.delete(speaker.id, enrollmentId);
      // Of one that counts, the place is free again for those that it took it from.
      if (!recording.setAside) {
        const back = await this.replacedBy(records, speaker.id, detail.replaced ?? []);
        await records.enrollments.change(speaker.id, back, { setAside: null });
      }
      await records.ledger.undone(entry, now);
      changed.add(speaker, [origin]);
    }
    await records.audit.record({ action: 'profile.undone', subject: speaker.subject, object: id });
    return true;
  }

  /** Those of the replaced recordings that are there; for one that is not, those that it had replaced itself. */
  private async replacedBy(records: VoiceRecords, speakerId: string, ids: readonly string[]): Promise<string[]> {
    const back: string[] = [];
    for (const id of ids) {
      if (await records.enrollments.find(speakerId, id)) back.push(id);
      else {
        for (const { detail } of await records.ledger.thatBrought(speakerId, id))
          back.push(...(await this.replacedBy(records, speakerId, detail.replaced ?? [])));
      }
    }
    return back;
  }

  private async renew(records: VoiceRecords, changed: Changed): Promise<void> {
    for (const { speaker, origins } of changed) {
      let now = speaker;
      for (const origin of origins) ({ speaker: now } = await this.keeper.renew(records, now, origin));
    }
  }
}

export async function shown({ speakers }: VoiceRecords, entries: readonly LedgerEntry[]): Promise<ShownEntry[]> {
  const subjects = entries.flatMap(({ detail }) => detail.other ?? []);
  const others = subjects.length > 0 ? await speakers.bySubject(subjects) : [];
  return entries.map((entry) => ({
    entry,
    other: others.find(({ subject }) => subject === entry.detail.other)?.id ?? null,
  }));
}

function isGone({ enrollmentId }: LedgerEntry): TimbreError {
  const text =
    enrollmentId === null
      ? 'the other person of this change is not there any more: it cannot be undone'
      : "the recording is not among the speaker's any more: it was split off, or replaced by others long ago";
  return new TimbreError('LEDGER_ENTRY_FINAL', text);
}

function isFinal({ action }: LedgerEntry): TimbreError {
  const instead: Partial<Record<LedgerEntry['action'], string>> = {
    enrolled: 'delete the enrolment instead',
    imported: 'delete the enrolment instead',
    named: 'undo the naming of the unknown voice instead, or delete the enrolment',
    deleted: 'what was deleted is gone for good; enrol the recording again',
    're-embedded': 'load the other model, and embed the recordings again by that',
    frozen: 'let the profile learn again instead',
    unfrozen: 'freeze the profile instead',
  };
  return new TimbreError('LEDGER_ENTRY_FINAL', `a change that is ${action} is not undone here: ${instead[action]}`);
}

import { In, type EntityManager } from 'typeorm';
import { TimbreError } from '../../../../errors/timbre-error.js';
import type { GroupRef } from '../../../../support/group-ref.js';
import type { Speaker } from '../../../records/speaker.js';
import type { Cursor } from '../../../records/cursor.js';
import {
  SpeakerRepository,
  type ErasedRows,
  type FoundSpeaker,
  type RetentionTimes,
  type SearchPlace,
  type SpeakerFilter,
} from '../../../records/speaker.repository.js';
import { affect, ask, askPrepared, dialectOf } from '../dialect.js';
import { SpeakerEntity, type SpeakerRow } from '../entities/speaker.entity.js';
import { TermEntity, type TermRow } from '../entities/term.entity.js';
import { toSpeaker, toSpeakerRow } from '../mappers/speaker.mapper.js';
import type { Register } from '../register.js';
import { findRowWith, insertRows, selection, updateRows, type RowWith } from '../rows.js';
import { appendChangeOf, appendVoiceChange } from '../changes.js';
import { readCounter } from '../counters.js';
import { EVERYBODY, isWithin, searchOf, termsOf, type TermRange } from '../terms.js';
import { leaveTraces } from '../traces.js';
import { forgetVoicesWhere } from '../unknown-voices.js';

/** Rows that one statement writes: SQLite takes 32,766 variables. */
const TERMS_AT_ONCE = 1000;

/** Speakers who are read with the head of the register beside each. */
const MOST_BESIDE = 16;

export class TypeOrmSpeakerRepository extends SpeakerRepository {
  constructor(
    private readonly manager: EntityManager,
    private readonly register: Register,
    private readonly bound: readonly GroupRef[] | null = null,
  ) {
    super();
  }

  async insert(speaker: Speaker): Promise<void> {
    const row = toSpeakerRow(speaker);
    if ((await insertRows(this.manager, SpeakerEntity, [row], { keep: ['id'] })) !== 1) {
      throw new TimbreError('SPEAKER_EXISTS', `there is a speaker with the id ${JSON.stringify(speaker.id)} already`);
    }
    // Nothing of who had the id before, however the row was lost.
    this.register.releaseAll(this.manager, row.id);
    this.register.bind(this.manager, 'speaker', [row]);
    await this.addTerms(termsOf(speaker));
  }

  async find(id: string): Promise<Speaker | null> {
    const more = besideSpeaker(this.manager, this.register, `"id"`, `"member_of"`);
    const found = await findRowWith(this.manager, SpeakerEntity, { id }, more);
    return found && ((await this.visible([found]))[0] ?? null);
  }

  async findMany(ids: readonly string[]): Promise<Speaker[]> {
    if (ids.length > MOST_BESIDE)
      return this.toSpeakers(await this.manager.findBy(SpeakerEntity, { id: In([...ids]) }));
    if (ids.length === 0) return [];
    const { columns, row } = selection(this.manager, SpeakerEntity, 's');
    const { list, inOrder } = dialectOf(this.manager);
    const { table, value } = list([...new Set(ids)], '?', 'asked');
    const records = await askPrepared<Record<string, unknown>>(
      this.manager,
      `SELECT ${columns}, ${besideSpeaker(this.manager, this.register, 's.id', 's.member_of')}
       FROM ${table} ${inOrder} speakers s ON s.id = asked.value`,
      [value],
    );
    return this.visible(records.map((record) => ({ row: row(record), record })));
  }

  async idsBySubject(subjects: readonly string[]): Promise<Map<string, string>> {
    // Who is in a group is believed only of what is as it was written.
    if (this.bound) return new Map((await this.bySubject(subjects)).map(({ subject, id }) => [subject, id]));
    const { list, inOrder } = dialectOf(this.manager);
    const { table, value } = list(subjects, '?', 'asked');
    const rows = await ask<{ subject: string; id: string }>(
      this.manager,
      `SELECT s.subject, s.id FROM ${table} ${inOrder} speakers s ON s.subject = asked.value`,
      [value],
    );
    return new Map(rows.map(({ subject, id }) => [subject, id]));
  }

  async bySubject(subjects: readonly string[]): Promise<Speaker[]> {
    const rows = await this.manager.findBy(SpeakerEntity, { subject: In([...new Set(subjects)]) });
    return this.toSpeakers(rows);
  }

  async page(after: Cursor | null, limit: number): Promise<Speaker[]> {
    const query = this.manager
      .createQueryBuilder(SpeakerEntity, 'speaker')
      .orderBy('speaker.createdAt')
      .addOrderBy('speaker.id')
      .limit(limit);
    if (after) {
      query.where('(speaker.createdAt, speaker.id) > (:createdAt, :id)', {
        createdAt: after.createdAt.getTime(),
        id: after.id,
      });
    }
    return this.toSpeakers(await query.getMany());
  }

  async search(filter: SpeakerFilter, after: SearchPlace | null, limit: number): Promise<FoundSpeaker[]> {
    const groups = filter.group === undefined ? this.bound?.map(({ uid }) => uid) : [filter.group];
    const { by, beside } = searchOf(filter);
    const places: TermRow[] = [];
    for (const group of groups ?? [EVERYBODY]) places.push(...(await this.places(group, by, beside, after, limit)));
    const page = inOrder(places).slice(0, limit);
    const speakers = new Map((await this.findMany(page.map(({ speakerId }) => speakerId))).map((one) => [one.id, one]));
    return page.map(({ term, createdAt, speakerId }) => ({
      place: [term, createdAt, speakerId],
      speaker: asFound(speakers.get(speakerId), filter.group ?? EVERYBODY, [by, ...beside]),
    }));
  }

  /** Rows of one group alone, from a place on, as many as a page has. */
  private async places(
    group: string,
    { from, to }: TermRange,
    beside: readonly TermRange[],
    after: SearchPlace | null,
    limit: number,
  ): Promise<TermRow[]> {
    const conditions: [string, ...unknown[]][] = [['group_uid = ?', group]];
    if (to === null) {
      conditions.push(['term = ?', from]);
      if (after) conditions.push(['(created_at, speaker_id) > (?, ?)', after[1], after[2]]);
    } else {
      if (after && isWithin(after[0], { from, to }))
        conditions.push(['(term, created_at, speaker_id) > (?, ?, ?)', ...after]);
      else conditions.push(['term >= ?', from]);
      conditions.push(['term < ?', to]);
    }
    for (const range of beside) {
      const [text, ...values] = range.to === null ? ['= ?', range.from] : ['BETWEEN ? AND ?', range.from, range.to];
      conditions.push([
        `EXISTS (SELECT 1 FROM speaker_terms b ${dialectOf(this.manager).by('speaker_terms_of_speaker')}
         WHERE b.speaker_id = t.speaker_id AND b.group_uid = t.group_uid AND b.term ${text})`,
        ...values,
      ]);
    }
    return ask<TermRow>(
      this.manager,
      `SELECT group_uid AS "groupUid", term, created_at AS "createdAt", speaker_id AS "speakerId" FROM speaker_terms t
       WHERE ${conditions.map(([text]) => text).join(' AND ')} ORDER BY term, created_at, speaker_id LIMIT ?`,
      [...conditions.flatMap(([, ...of]) => of), limit],
    );
  }

  count(): Promise<number> {
    return readCounter(this.manager, 'speakers');
  }

  async update(speaker: Speaker, before?: Speaker): Promise<Speaker> {
    const { id, version } = speaker;
    const row = { ...toSpeakerRow(speaker), version: version + 1 };
    const { name, updatedAt, consent, consentWithdrawnAt, activeAt, noticeAt, memberOf, metadata, learning, frozenAt } =
      row;
    const times = { updatedAt, activeAt, noticeAt };
    const settings = { memberOf, metadata, learning, frozenAt };
    const changes = { name, ...times, consent, consentWithdrawnAt, ...settings, version: version + 1 };
    if ((await updateRows(this.manager, SpeakerEntity, { id, version }, changes)) !== 1) {
      throw new TimbreError(
        'CONFLICT',
        `speaker ${JSON.stringify(id)} was changed meanwhile; read it again and repeat`,
      );
    }
    this.register.bind(this.manager, 'speaker', [row]);
    if (!before || !sameTerms(before, speaker)) await this.renewTerms(speaker);
    await this.register.sent(this.manager, appendChangeOf(this.manager, speaker));
    return { ...speaker, version: version + 1 };
  }

  async fading(before: RetentionTimes, limit: number): Promise<Speaker[]> {
    const rows = await this.manager
      .createQueryBuilder(SpeakerEntity, 'speaker')
      // The sign keeps SQLite from beginning with whoever has no notice, nearly everybody.
      .where('+ speaker.noticeAt IS NULL AND (speaker.activeAt < :idle OR speaker.consentWithdrawnAt < :withdrawn)', {
        idle: before.idle.getTime(),
        withdrawn: before.withdrawn.getTime(),
      })
      .limit(limit)
      .getMany();
    return this.toSpeakers(rows);
  }

  async due(before: RetentionTimes, announced: Date, limit: number): Promise<Speaker[]> {
    const rows = await this.manager
      .createQueryBuilder(SpeakerEntity, 'speaker')
      .where('speaker.noticeAt <= :announced', { announced: announced.getTime() })
      .andWhere('(speaker.activeAt < :idle OR speaker.consentWithdrawnAt < :withdrawn)', {
        idle: before.idle.getTime(),
        withdrawn: before.withdrawn.getTime(),
      })
      .orderBy('speaker.noticeAt')
      .limit(limit)
      .getMany();
    return this.toSpeakers(rows);
  }

  async announce(id: string, at: Date): Promise<void> {
    await updateRows(this.manager, SpeakerEntity, { id }, { noticeAt: at.getTime() });
  }

  async used(times: ReadonlyMap<string, Date>): Promise<void> {
    if (times.size === 0) return;
    const { objectsIn, textOf, numberOf } = dialectOf(this.manager);
    const used = Array.from(times, ([subject, at]) => ({ subject, at: at.getTime() }));
    const at = numberOf('value', 'at');
    await affect(
      this.manager,
      `UPDATE speakers SET last_used_at = ${at}, active_at = ${at}, notice_at = NULL
       FROM ${objectsIn('?', 'used')} WHERE speakers.subject = ${textOf('value', 'subject')}`,
      [JSON.stringify({ used })],
    );
  }

  async erase(id: string): Promise<ErasedRows | null> {
    const { elements, members } = dialectOf(this.manager);
    const [counts] = await ask<ErasedRows>(
      this.manager,
      `SELECT (SELECT COUNT(*) FROM enrollments WHERE speaker_id = ?1) AS enrollments,
         (SELECT COUNT(*) FROM profiles WHERE speaker_id = ?1) AS profiles,
         (SELECT COUNT(*) FROM consents WHERE speaker_id = ?1) AS consents,
         (SELECT COUNT(*) FROM speakers s, ${elements('s.member_of')} WHERE s.id = ?1) AS groups,
         (SELECT COUNT(*) FROM speakers s, ${members('s.metadata')} WHERE s.id = ?1) AS metadata,
         (SELECT COUNT(*) FROM ledger WHERE speaker_id = ?1) AS "ledgerEntries",
         (SELECT COUNT(*) FROM waiting_verifications WHERE speaker_id = ?1) AS "waitingVerifications",
         (SELECT COUNT(*) FROM kept_recordings WHERE speaker_id = ?1) AS recordings,
         (SELECT COUNT(*) FROM (SELECT conversation_id FROM conversation_people WHERE speaker_id = ?1
            UNION SELECT conversation_id FROM conversation_candidates WHERE speaker_id = ?1) c) AS conversations,
         (SELECT COUNT(*) FROM unknown_voices WHERE speaker_id = ?1) AS "unknownVoices"`,
      [id],
    );
    await appendVoiceChange(this.manager, id);
    await forgetVoicesWhere(this.manager, this.register, 'speaker_id = ?', id);
    const { affected } = await this.manager.delete(SpeakerEntity, { id });
    if (affected) {
      this.register.releaseAll(this.manager, id);
      await leaveTraces(this.manager);
    }
    return affected === 1 && counts ? counts : null;
  }

  private async toSpeakers(rows: readonly SpeakerRow[]): Promise<Speaker[]> {
    return this.seen(rows, await this.register.check(this.manager, 'speaker', rows));
  }

  private visible(found: readonly RowWith<SpeakerRow>[]): Promise<Speaker[]> {
    return visibleSpeakers(this.manager, this.register, found, this.bound);
  }

  /** Those who may be seen. */
  private async seen(rows: readonly SpeakerRow[], known: readonly boolean[]): Promise<Speaker[]> {
    const own = rows.map((row, i) => ({ row, known: known[i]! })).filter((one) => isVisible(one, this.bound));
    const groups = await this.groupsOf(own.flatMap(({ row }) => row.memberOf ?? []));
    return own.map(({ row, known: asWritten }) => toSpeaker(row, asWritten, groups));
  }

  /** Those that are there. */
  private async groupsOf(uids: readonly string[]): Promise<Map<string, GroupRef>> {
    if (uids.length === 0) return new Map();
    const { within, value } = dialectOf(this.manager).list([...new Set(uids)]);
    const rows = await ask<GroupRef>(this.manager, `SELECT uid, id FROM speaker_groups WHERE uid IN ${within}`, [
      value,
    ]);
    return new Map(rows.map((ref) => [ref.uid, ref]));
  }

  private async addTerms(terms: readonly TermRow[]): Promise<void> {
    for (let from = 0; from < terms.length; from += TERMS_AT_ONCE) {
      await insertRows(this.manager, TermEntity, terms.slice(from, from + TERMS_AT_ONCE));
    }
  }

  /** Writes what has changed of what the speaker is found by. */
  private async renewTerms(speaker: Speaker): Promise<void> {
    const keyOf = ({ groupUid, term }: Pick<TermRow, 'groupUid' | 'term'>): string => JSON.stringify([groupUid, term]);
    const stored = await ask<Pick<TermRow, 'groupUid' | 'term'>>(
      this.manager,
      'SELECT group_uid AS "groupUid", term FROM speaker_terms WHERE speaker_id = ?',
      [speaker.id],
    );
    const before = new Map(stored.map((row) => [keyOf(row), row]));
    const now = new Map(termsOf(speaker).map((row) => [keyOf(row), row]));
    const gone = [...before]
      .filter(([key]) => !now.has(key))
      .map(([, { groupUid, term }]) => [groupUid, term] as const);
    if (gone.length > 0) {
      const { within, values } = dialectOf(this.manager).pairs(gone);
      await affect(
        this.manager,
        `DELETE FROM speaker_terms WHERE speaker_id = ? AND created_at = ? AND (group_uid, term) IN ${within}`,
        [speaker.id, speaker.createdAt.getTime(), ...values],
      );
    }
    await this.addTerms([...now].filter(([key]) => !before.has(key)).map(([, row]) => row));
  }
}

/** Columns of a statement that reads speakers, `id` and `memberOf` being theirs, for `visibleSpeakers`. */
export function besideSpeaker(manager: EntityManager, register: Register, id: string, memberOf: string): string {
  const { gathered, object, elements } = dialectOf(manager);
  const refs = gathered(object({ uid: 'g.uid', id: 'g.id' }));
  return `${register.vouching(manager, id)},
    (SELECT ${refs} FROM speaker_groups g WHERE g.uid IN (SELECT value FROM ${elements(memberOf)})) AS group_refs`;
}

/** Of speakers read with `besideSpeaker`, those who may be seen: mostly without another statement. */
export async function visibleSpeakers(
  manager: EntityManager,
  register: Register,
  found: readonly RowWith<SpeakerRow>[],
  bound: readonly GroupRef[] | null,
): Promise<Speaker[]> {
  const known = await register.checkBeside(manager, 'speaker', found);
  return found.flatMap(({ row, record }, i) => {
    if (!isVisible({ row, known: known[i]! }, bound)) return [];
    const refs = JSON.parse((record['group_refs'] as string | null) ?? '[]') as GroupRef[];
    return [toSpeaker(row, known[i]!, new Map(refs.map((ref) => [ref.uid, ref])))];
  });
}

/** Whether somebody bound to groups may see a speaker; one who is not as written belongs to none. */
export function isVisible(
  { row, known }: { row: Pick<SpeakerRow, 'memberOf'>; known: boolean },
  bound: readonly GroupRef[] | null,
): boolean {
  return !bound || (known && bound.some(({ uid }) => row.memberOf?.includes(uid)));
}

function sameTerms(one: Speaker, other: Speaker): boolean {
  return JSON.stringify(termsOf(one)) === JSON.stringify(termsOf(other));
}

/** Each speaker once, in the order of the list. */
function inOrder(places: readonly TermRow[]): TermRow[] {
  const byKey = new Map(places.map((row) => [JSON.stringify([row.term, row.speakerId]), row]));
  const before = (a: TermRow, b: TermRow): number =>
    Buffer.compare(Buffer.from(a.term), Buffer.from(b.term)) ||
    a.createdAt - b.createdAt ||
    Buffer.compare(Buffer.from(a.speakerId), Buffer.from(b.speakerId));
  return [...byKey.values()].sort(before);
}

/** Null where the record does not say what the speaker was found by. */
function asFound(speaker: Speaker | undefined, group: string, ranges: readonly TermRange[]): Speaker | null {
  if (!speaker) return null;
  const terms = termsOf(speaker).filter(({ groupUid }) => groupUid === group);
  const meets = (range: TermRange): boolean => range.from === '' || terms.some(({ term }) => isWithin(term, range));
  return (group === EVERYBODY || terms.length > 0) && ranges.every(meets) ? speaker : null;
}

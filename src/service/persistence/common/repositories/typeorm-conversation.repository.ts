import type { EntityManager } from 'typeorm';
import type {
  Conversation,
  ConversationOfSpeaker,
  ConversationOutcome,
  ConversationState,
  ListedConversation,
  NearestPerson,
} from '../../../records/conversation.js';
import { ConversationRepository, type OfSpeakerPlace } from '../../../records/conversation.repository.js';
import type { Cursor } from '../../../records/cursor.js';
import type { KeptLabel } from '../../../records/unknown-voice.js';
import type { GroupRef } from '../../../../support/group-ref.js';
import { readCounter } from '../counters.js';
import { affect, ask, dialectOf } from '../dialect.js';
import { ConversationCandidateEntity } from '../entities/conversation-candidate.entity.js';
import { ConversationPersonEntity, type ConversationPersonRow } from '../entities/conversation-person.entity.js';
import { ConversationEntity, type ConversationRow } from '../entities/conversation.entity.js';
import {
  toConversation,
  toConversationRow,
  toListedConversation,
  type ListedRow,
} from '../mappers/conversation.mapper.js';
import { boundToText } from '../mappers/job.mapper.js';
import type { Register } from '../register.js';
import { findRow, findRows, insertRows, updateRows } from '../rows.js';
import { leaveTraces } from '../traces.js';
import { forgetConversations } from '../unknown-voices.js';

/** A row for a voice, or for a candidate. */
interface OfSpeakerRow {
  id: string;
  label: string;
  state: ConversationState;
  createdAt: number;
  finishedAt: number | null;
  fileName: string | null;
  /** Null for a candidate. */
  named: boolean | number | null;
  cosine: number;
  llr: number | null;
  probability: number | null;
  margin: number | null;
  speechSeconds: number | null;
  /** JSON. */
  turns: string | null;
}

export class TypeOrmConversationRepository extends ConversationRepository {
  /** Null: of everybody. */
  private readonly bound: string | null;

  constructor(
    private readonly manager: EntityManager,
    private readonly register: Register,
    bound: readonly GroupRef[] | null,
  ) {
    super();
    this.bound = boundToText(bound);
  }

  async insert(conversation: Conversation, candidates: readonly string[] = []): Promise<void> {
    const { id, people } = conversation;
    await insertRows(this.manager, ConversationEntity, [toConversationRow(conversation)]);
    await this.insertPeople(id, people);
    const rows = candidates.map((speakerId) => ({ conversationId: id, speakerId }));
    await insertRows(this.manager, ConversationCandidateEntity, rows);
  }

  async find(id: string): Promise<Conversation | null> {
    const row = await findRow(this.manager, ConversationEntity, { id, ...this.own() });
    if (!row) return null;
    const people = await findRows(this.manager, ConversationPersonEntity, { conversationId: id });
    return toConversation(row, people, await this.kept([id]));
  }

  async fileNames(ids: readonly string[]): Promise<Map<string, string | null>> {
    const { within, value } = dialectOf(this.manager).list(ids);
    const rows = await ask<{ id: string; fileName: string | null }>(
      this.manager,
      `SELECT id, file_name AS "fileName" FROM conversations WHERE id IN ${within}`,
      [value],
    );
    return new Map(rows.map(({ id, fileName }) => [id, fileName]));
  }

  async candidates(id: string): Promise<string[]> {
    const rows = await ask<{ speakerId: string }>(
      this.manager,
      'SELECT speaker_id AS "speakerId" FROM conversation_candidates WHERE conversation_id = ? ORDER BY speaker_id',
      [id],
    );
    return rows.map(({ speakerId }) => speakerId);
  }

  /** The turns of many conversations are not brought into memory. */
  async page(after: Cursor | null, limit: number): Promise<ListedConversation[]> {
    const { bound } = this;
    const conditions: [string, ...unknown[]][] = [
      ...(after ? [['(created_at, id) < (?, ?)', after.createdAt.getTime(), after.id] as [string, ...unknown[]]] : []),
      ...(bound === null ? [] : [['bound_to = ?', bound] as [string, ...unknown[]]]),
    ];
    const where = conditions.length > 0 ? `WHERE ${conditions.map(([text]) => text).join(' AND ')}` : '';
    const dialect = dialectOf(this.manager);
    const rows = await ask<ListedRow>(
      this.manager,
      `SELECT id, state, created_at AS "createdAt", finished_at AS "finishedAt", job_id AS "jobId",
         file_name AS "fileName", error_code AS "errorCode", error_message AS "errorMessage",
         ${dialect.numberIn('findings', 'seconds')} AS seconds, ${dialect.lengthIn('findings', 'speakers')} AS speakers
       FROM conversations ${where} ORDER BY created_at DESC, id DESC LIMIT ?`,
      [...conditions.flatMap(([, ...values]) => values), limit],
    );
    const ids = dialect.list(rows.map(({ id }) => id));
    const people = await ask<Omit<ConversationPersonRow, 'named'> & { named: boolean | number }>(
      this.manager,
      `SELECT conversation_id AS "conversationId", label, speaker_id AS "speakerId", named, cosine, llr, probability, margin
       FROM conversation_people WHERE named AND conversation_id IN ${ids.within}`,
      [ids.value],
    );
    const named = people.map((row) => ({ ...row, named: Boolean(row.named) }));
    const kept = await this.kept(rows.map(({ id }) => id));
    return rows.map((row) => {
      const own = <Row extends { conversationId: string }>(all: readonly Row[]): Row[] =>
        all.filter(({ conversationId }) => conversationId === row.id);
      return toListedConversation(row, own(named), own(kept));
    });
  }

  async count(): Promise<number> {
    if (this.bound === null) return readCounter(this.manager, 'conversations');
    const [row] = await ask<{ count: number }>(
      this.manager,
      'SELECT COUNT(*) AS count FROM conversations WHERE bound_to = ?',
      [this.bound],
    );
    return row?.count ?? 0;
  }

  async finish(id: string, outcome: ConversationOutcome, now: Date): Promise<boolean> {
    const changes: Partial<ConversationRow> =
      outcome.state === 'done'
        ? { findings: JSON.stringify(outcome.findings) }
        : { errorCode: outcome.error.code, errorMessage: outcome.error.message };
    const ended = { state: outcome.state, finishedAt: now.getTime(), ...changes };
    const waiting = { id, state: 'waiting' as const, ...this.own() };
    if ((await updateRows(this.manager, ConversationEntity, waiting, ended)) !== 1) return false;
    await this.forgetCandidates('conversation_id = ?', [id]);
    if (outcome.state === 'done') await this.insertPeople(id, outcome.people);
    return true;
  }

  async cancelOfJob(jobId: string, now: Date): Promise<void> {
    const ended = { state: 'cancelled', finishedAt: now.getTime() } as const;
    await updateRows(this.manager, ConversationEntity, { jobId, state: 'waiting' }, ended);
    await this.forgetCandidates('conversation_id IN (SELECT id FROM conversations WHERE job_id = ?)', [jobId]);
  }

  async ofSpeaker(
    speakerId: string,
    after: OfSpeakerPlace | null,
    limit: number,
  ): Promise<{ place: OfSpeakerPlace; conversation: ConversationOfSpeaker }[]> {
    const { bound } = this;
    const place = after ? 'AND (id, label) > (?, ?)' : '';
    const { objectsIn, textOf, numberOf, gathered } = dialectOf(this.manager);
    const rows = await ask<OfSpeakerRow>(
      this.manager,
      `WITH found AS (
         SELECT conversation_id AS id, label, named, cosine, llr, probability, margin
         FROM conversation_people WHERE speaker_id = ?1
         UNION ALL
         SELECT conversation_id, '', NULL, NULL, NULL, NULL, NULL FROM conversation_candidates WHERE speaker_id = ?1)
       SELECT f.*, c.state, c.created_at AS "createdAt", c.finished_at AS "finishedAt", c.file_name AS "fileName",
         (SELECT ${numberOf('value', 'speechSeconds')} FROM ${objectsIn('c.findings', 'speakers')}
          WHERE ${textOf('value', 'label')} = f.label) AS "speechSeconds",
         (SELECT ${gathered('value')} FROM ${objectsIn('c.findings', 'turns')}
          WHERE ${textOf('value', 'speaker')} = f.label) AS turns
       FROM (SELECT * FROM found WHERE TRUE ${place}) f JOIN conversations c ON c.id = f.id
       ${bound === null ? '' : 'WHERE c.bound_to = ?'} ORDER BY f.id, f.label LIMIT ?`,
      [speakerId, ...(after ?? []), ...(bound === null ? [] : [bound]), limit],
    );
    return rows.map((row) => ({ place: [row.id, row.label] as const, conversation: toConversationOfSpeaker(row) }));
  }

  async delete(id: string): Promise<boolean> {
    if (!(await findRow(this.manager, ConversationEntity, { id, ...this.own() }))) return false;
    await forgetConversations(this.manager, this.register, [id]);
    await this.manager.delete(ConversationEntity, { id });
    await leaveTraces(this.manager);
    return true;
  }

  async trim(before: Date, limit: number): Promise<number> {
    const rows = await ask<{ id: string }>(
      this.manager,
      'SELECT id FROM conversations WHERE finished_at < ? ORDER BY finished_at LIMIT ?',
      [before.getTime(), limit],
    );
    if (rows.length === 0) return 0;
    const ids = rows.map(({ id }) => id);
    await forgetConversations(this.manager, this.register, ids);
    const { within, value } = dialectOf(this.manager).list(ids);
    await affect(this.manager, `DELETE FROM conversations WHERE id IN ${within}`, [value]);
    await leaveTraces(this.manager);
    return rows.length;
  }

  /** Unknown voices that labels of conversations are kept as. */
  private async kept(ids: readonly string[]): Promise<(KeptLabel & { conversationId: string })[]> {
    const { within, value } = dialectOf(this.manager).list(ids);
    return ask(
      this.manager,
      `SELECT s.conversation_id AS "conversationId", s.label, s.voice_id AS "voiceId", v.speaker_id AS "speakerId"
       FROM unknown_voice_shares s JOIN unknown_voices v ON v.id = s.voice_id
       WHERE s.conversation_id IN ${within} ORDER BY s.conversation_id, s.label`,
      [value],
    );
  }

  /** What a row has that may be seen. */
  private own(): { boundTo?: string } {
    return this.bound === null ? {} : { boundTo: this.bound };
  }

  private async insertPeople(conversationId: string, people: readonly NearestPerson[]): Promise<void> {
    const rows = people.map((person) => ({ conversationId, ...person }));
    await insertRows(this.manager, ConversationPersonEntity, rows);
  }

  private async forgetCandidates(where: string, values: readonly string[]): Promise<void> {
    await affect(this.manager, `DELETE FROM conversation_candidates WHERE ${where}`, [...values]);
  }
}

function toConversationOfSpeaker(row: OfSpeakerRow): ConversationOfSpeaker {
  const { id, state, createdAt, finishedAt, fileName, label, named, turns, speechSeconds } = row;
  const { cosine, llr, probability, margin } = row;
  const spoken = JSON.parse(turns ?? '[]') as { start: number; end: number; overlap: number }[];
  return {
    id,
    state,
    createdAt: new Date(createdAt),
    finishedAt: finishedAt === null ? null : new Date(finishedAt),
    fileName,
    heard:
      named === null
        ? null
        : {
            label,
            named: Boolean(named),
            cosine,
            llr,
            probability,
            margin,
            speechSeconds: speechSeconds ?? 0,
            turns: spoken.map(({ start, end, overlap }) => ({ start, end, overlap })),
          },
  };
}

import { randomUUID } from 'node:crypto';
import { In, type EntityManager } from 'typeorm';
import { TimbreError } from '../../../../errors/timbre-error.js';
import { currentActor } from '../../../../support/actor.js';
import type { GroupRef } from '../../../../support/group-ref.js';
import type { EmbeddingOrigin } from '../../../records/embedding.js';
import {
  voiceChanged,
  type EmbeddedShare,
  type UnknownVoice,
  type UnknownVoiceState,
  type VoiceShare,
  type VoiceStep,
} from '../../../records/unknown-voice.js';
import {
  UnknownVoiceRepository,
  type ComparedVoice,
  type NewVoiceStep,
  type UnknownVoicePlace,
  type VoiceStepPlace,
} from '../../../records/unknown-voice.repository.js';
import { unknownVoiceOwner } from '../bound-records.js';
import { affect, ask } from '../dialect.js';
import { UnknownVoiceEntity, type UnknownVoiceRow } from '../entities/unknown-voice.entity.js';
import { VoiceShareEntity, type VoiceShareRow } from '../entities/voice-share.entity.js';
import { VoiceStepEntity } from '../entities/voice-step.entity.js';
import { boundToText } from '../mappers/job.mapper.js';
import {
  openShare,
  shareOwner,
  toEmbeddedShare,
  toShare,
  toShareRow,
  toUnknownVoice,
  toUnknownVoiceRow,
  toVoiceStep,
  toVoiceStepRow,
} from '../mappers/unknown-voice.mapper.js';
import type { Register } from '../register.js';
import { findRow, findRows, insertRows, selection, updateRows } from '../rows.js';
import { leaveTraces } from '../traces.js';
import { forgetVoices, forgetVoicesWhere } from '../unknown-voices.js';
import type { VectorCipher } from '../vector-cipher.js';

export class TypeOrmUnknownVoiceRepository extends UnknownVoiceRepository {
  /** Null: of everybody. */
  private readonly bound: string | null;

  constructor(
    private readonly manager: EntityManager,
    private readonly cipher: VectorCipher,
    private readonly register: Register,
    bound: readonly GroupRef[] | null,
  ) {
    super();
    this.bound = boundToText(bound);
  }

  async insert(voice: UnknownVoice): Promise<void> {
    const row = toUnknownVoiceRow(voice);
    await insertRows(this.manager, UnknownVoiceEntity, [row]);
    this.register.bind(this.manager, 'unknown-voice', [row]);
  }

  async find(id: string): Promise<UnknownVoice | null> {
    const row = await findRow(this.manager, UnknownVoiceEntity, { id, ...this.own() });
    if (!row) return null;
    await this.register.require(this.manager, 'unknown-voice', [row]);
    return toUnknownVoice(row);
  }

  async page(state: UnknownVoiceState, after: UnknownVoicePlace | null, limit: number): Promise<UnknownVoice[]> {
    const rows = await this.voicesWhere(
      `t.state = ? ${this.visible.text} ${after ? 'AND (t.speech_ms, t.id) < (?, ?)' : ''}
       ORDER BY t.speech_ms DESC, t.id DESC LIMIT ?`,
      [state, ...this.visible.values, ...(after ?? []), limit],
    );
    return rows.map(toUnknownVoice);
  }

  async count(state: UnknownVoiceState): Promise<number> {
    const [row] = await ask<{ count: number }>(
      this.manager,
      `SELECT COUNT(*) AS count FROM unknown_voices t WHERE t.state = ? ${this.visible.text}`,
      [state, ...this.visible.values],
    );
    return row?.count ?? 0;
  }

  async update(voice: UnknownVoice): Promise<UnknownVoice> {
    const { id, version } = voice;
    const changed = { ...voice, version: version + 1 };
    const row = toUnknownVoiceRow(changed);
    if ((await updateRows(this.manager, UnknownVoiceEntity, { id, version }, row)) !== 1) throw voiceChanged(id);
    this.register.bind(this.manager, 'unknown-voice', [row]);
    return changed;
  }

  async delete(id: string): Promise<boolean> {
    if (!(await findRow(this.manager, UnknownVoiceEntity, { id, ...this.own() }))) return false;
    return (await forgetVoices(this.manager, this.register, [id])) > 0;
  }

  async addShare(share: EmbeddedShare): Promise<void> {
    const row = toShareRow(share, this.cipher);
    await insertRows(this.manager, VoiceShareEntity, [row]);
    this.register.bind(this.manager, 'voice-share', [row]);
  }

  async shares(voiceId: string): Promise<VoiceShare[]> {
    return (await this.rowsOf(voiceId)).map(toShare);
  }

  async withEmbeddings(voiceId: string): Promise<EmbeddedShare[]> {
    const rows = await this.rowsOf(voiceId);
    await this.register.require(this.manager, 'voice-share', rows);
    return rows.map((row) => toEmbeddedShare(row, this.cipher));
  }

  async move(ids: readonly string[], from: string, to: string): Promise<string[]> {
    const rows = (await this.rowsOf(from)).filter(({ id }) => ids.includes(id));
    await this.register.require(this.manager, 'voice-share', rows);
    for (const row of rows) {
      const vector = openShare(row, this.cipher);
      const owned = { ...row, voiceId: to };
      const embedding = this.cipher.sealVector(vector, shareOwner(owned));
      vector.fill(0);
      await updateRows(this.manager, VoiceShareEntity, { id: row.id }, { voiceId: to, embedding });
      this.register.release(this.manager, 'voice-share', unknownVoiceOwner(from), [row.id]);
      this.register.bind(this.manager, 'voice-share', [{ ...owned, embedding }]);
    }
    return rows.map(({ id }) => id);
  }

  async reduce({ id }: UnknownVoice, share: EmbeddedShare): Promise<void> {
    const { manager } = this;
    const owner = unknownVoiceOwner(id);
    await forgetVoicesWhere(manager, this.register, 'merged_into = ?', id);
    for (const row of await this.rowsOf(id)) this.register.release(manager, 'voice-share', owner, [row.id]);
    for (const row of await findRows(manager, VoiceStepEntity, { voiceId: id })) {
      this.register.release(manager, 'voice-step', owner, [row.id]);
    }
    for (const table of ['shares', 'steps']) {
      await affect(manager, `DELETE FROM unknown_voice_${table} WHERE voice_id = ?`, [id]);
    }
    await leaveTraces(manager);
    await this.addShare(share);
  }

  async compared({ model, frontEnd }: EmbeddingOrigin, after: string | null, limit: number): Promise<ComparedVoice[]> {
    const rows = await this.voicesWhere(
      `t.model = ? AND t.front_end = ? AND t.id > ? AND t.state IN ('open', 'blocked')
       AND COALESCE(t.bound_to, '') = ? ORDER BY t.id LIMIT ?`,
      [model, frontEnd, after ?? '', this.bound ?? '', limit],
    );
    const known = await this.register.check(this.manager, 'unknown-voice', rows);
    const found = await this.manager.findBy(VoiceShareEntity, { voiceId: In(rows.map(({ id }) => id)) });
    const asWritten = await this.register.check(this.manager, 'voice-share', found);
    const shares = found.filter((_, i) => asWritten[i]).flatMap((share) => this.opened(share));
    return rows.map((row, i) => ({
      voice: toUnknownVoice(row),
      shares: known[i] ? shares.filter(({ voiceId }) => voiceId === row.id) : [],
    }));
  }

  /** Nothing where it does not open. */
  private opened(row: VoiceShareRow): EmbeddedShare[] {
    try {
      return [toEmbeddedShare(row, this.cipher)];
    } catch (error) {
      if (error instanceof TimbreError && error.code === 'STORAGE_INVALID') return [];
      throw error;
    }
  }

  async ofSpeaker(speakerId: string, after: string | null, limit: number): Promise<UnknownVoice[]> {
    const rows = await this.voicesWhere(`t.speaker_id = ? AND t.id > ? ${this.visible.text} ORDER BY t.id LIMIT ?`, [
      speakerId,
      after ?? '',
      ...this.visible.values,
      limit,
    ]);
    return rows.map(toUnknownVoice);
  }

  async trim(before: Date, limit: number): Promise<number> {
    const rows = await ask<{ id: string }>(
      this.manager,
      `SELECT id FROM unknown_voices WHERE state IN ('open', 'dismissed') AND last_heard_at < ?
       ORDER BY last_heard_at LIMIT ?`,
      [before.getTime(), limit],
    );
    const ids = rows.map(({ id }) => id);
    await forgetVoices(this.manager, this.register, ids);
    return ids.length;
  }

  async append({ voiceId, otherId = null, ...given }: NewVoiceStep): Promise<VoiceStep> {
    // After all others of both, so that the lists are in the order in which things were done.
    const [newest] = await ask<{ at: number | null }>(
      this.manager,
      'SELECT MAX(created_at) AS at FROM unknown_voice_steps WHERE voice_id IN (?1, ?2) OR other_id IN (?1, ?2)',
      [voiceId, otherId ?? voiceId],
    );
    const step: VoiceStep = {
      id: randomUUID(),
      voiceId,
      otherId,
      at: new Date(Math.max(Date.now(), (newest?.at ?? 0) + 1)),
      by: currentActor().by,
      reason: null,
      detail: {},
      undoneAt: null,
      undoneBy: null,
      ...given,
    };
    const row = toVoiceStepRow(step);
    await insertRows(this.manager, VoiceStepEntity, [row]);
    this.register.bind(this.manager, 'voice-step', [row]);
    return step;
  }

  async findStep(voiceId: string, id: string): Promise<VoiceStep | null> {
    const row = await findRow(this.manager, VoiceStepEntity, { id });
    if (!row || (row.voiceId !== voiceId && row.otherId !== voiceId)) return null;
    await this.register.require(this.manager, 'voice-step', [row]);
    return toVoiceStep(row);
  }

  async steps(voiceId: string, after: VoiceStepPlace | null, limit: number): Promise<VoiceStep[]> {
    const { columns, row } = selection(this.manager, VoiceStepEntity, 't');
    const records = await ask<Record<string, unknown>>(
      this.manager,
      `SELECT ${columns} FROM unknown_voice_steps t WHERE (t.voice_id = ?1 OR t.other_id = ?1)
       ${after ? 'AND (t.created_at, t.id) < (?, ?)' : ''} ORDER BY t.created_at DESC, t.id DESC LIMIT ?`,
      [voiceId, ...(after ?? []), limit],
    );
    return records.map((record) => toVoiceStep(row(record)));
  }

  async undone(step: VoiceStep, at: Date): Promise<void> {
    const row = toVoiceStepRow({ ...step, undoneAt: at, undoneBy: currentActor().by });
    const { id, undoneAt, undoneBy } = row;
    await updateRows(this.manager, VoiceStepEntity, { id }, { undoneAt, undoneBy });
    this.register.bind(this.manager, 'voice-step', [row]);
  }

  /** What a row has that may be seen. */
  private own(): { boundTo?: string } {
    return this.bound === null ? {} : { boundTo: this.bound };
  }

  /** The same, as a further condition on `t`. */
  private get visible(): { text: string; values: string[] } {
    return this.bound === null ? { text: '', values: [] } : { text: 'AND t.bound_to = ?', values: [this.bound] };
  }

  private rowsOf(voiceId: string): Promise<VoiceShareRow[]> {
    return findRows(this.manager, VoiceShareEntity, { voiceId }, { order: ['heardAt', 'id'] });
  }

  private async voicesWhere(where: string, values: unknown[]): Promise<UnknownVoiceRow[]> {
    const { columns, row } = selection(this.manager, UnknownVoiceEntity, 't');
    const records = await ask<Record<string, unknown>>(
      this.manager,
      `SELECT ${columns} FROM unknown_voices t WHERE ${where}`,
      values,
    );
    return records.map((record) => row(record));
  }
}

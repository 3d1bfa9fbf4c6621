import { In, type EntityManager } from 'typeorm';
import { sumsOf } from '../../records/unknown-voice.js';
import { unknownVoiceOwner } from './bound-records.js';
import { affect, ask, dialectOf } from './dialect.js';
import { UnknownVoiceEntity } from './entities/unknown-voice.entity.js';
import { VoiceShareEntity } from './entities/voice-share.entity.js';
import { toShare, toUnknownVoice, toUnknownVoiceRow } from './mappers/unknown-voice.mapper.js';
import type { Register } from './register.js';
import { findRow, findRows, updateRows } from './rows.js';
import { leaveTraces } from './traces.js';

/** Deletes unknown voices with all that is theirs, and those that were merged into them; says how many there were. */
export async function forgetVoices(
  manager: EntityManager,
  register: Register,
  ids: readonly string[],
): Promise<number> {
  if (ids.length === 0) return 0;
  const { within, value } = dialectOf(manager).list(ids);
  const count = await forgetVoicesWhere(manager, register, `merged_into IN ${within}`, value);
  const gone = await affect(manager, `DELETE FROM unknown_voices WHERE id IN ${within}`, [value]);
  for (const id of ids) register.releaseAll(manager, unknownVoiceOwner(id));
  await leaveTraces(manager);
  return gone + count;
}

/** The same of those of whom a condition with one parameter holds. */
export async function forgetVoicesWhere(
  manager: EntityManager,
  register: Register,
  where: string,
  value: unknown,
): Promise<number> {
  const rows = await ask<{ id: string }>(manager, `SELECT id FROM unknown_voices WHERE ${where}`, [value]);
  const ids = rows.map(({ id }) => id);
  return forgetVoices(manager, register, ids);
}

/** Takes the share of conversations out of unknown voices; one that has no other goes with it. */
export async function forgetConversations(
  manager: EntityManager,
  register: Register,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  const { within, value } = dialectOf(manager).list(ids);
  const shares = await ask<{ id: string; voiceId: string }>(
    manager,
    `SELECT id, voice_id AS "voiceId" FROM unknown_voice_shares WHERE conversation_id IN ${within}`,
    [value],
  );
  if (shares.length === 0) return;
  await manager.delete(VoiceShareEntity, { id: In(shares.map(({ id }) => id)) });
  for (const { id, voiceId } of shares) register.release(manager, 'voice-share', unknownVoiceOwner(voiceId), [id]);
  await leaveTraces(manager);
  for (const id of new Set(shares.map(({ voiceId }) => voiceId))) await renewSums(manager, register, id);
}

async function renewSums(manager: EntityManager, register: Register, id: string): Promise<void> {
  const left = await findRows(manager, VoiceShareEntity, { voiceId: id });
  if (left.length === 0) {
    await forgetVoices(manager, register, [id]);
    return;
  }
  const row = (await findRow(manager, UnknownVoiceEntity, { id }))!;
  const known = await register.holds(manager, 'unknown-voice', row);
  const voice = toUnknownVoice(row);
  const changed = toUnknownVoiceRow({ ...voice, ...sumsOf(left.map(toShare)), version: voice.version + 1 });
  await updateRows(manager, UnknownVoiceEntity, { id }, changed);
  if (known) register.bind(manager, 'unknown-voice', [changed]);
}

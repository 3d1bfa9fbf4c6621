import type { GroupRef } from '../../../../support/group-ref.js';
import type { EmbeddedShare, UnknownVoice, VoiceShare, VoiceStep } from '../../../records/unknown-voice.js';
import type { UnknownVoiceRow } from '../entities/unknown-voice.entity.js';
import type { VoiceShareRow } from '../entities/voice-share.entity.js';
import type { VoiceStepRow } from '../entities/voice-step.entity.js';
import type { VectorCipher } from '../vector-cipher.js';
import { boundToText } from './job.mapper.js';

export function toUnknownVoice({ model, frontEnd, speechMs, boundTo, ...row }: UnknownVoiceRow): UnknownVoice {
  return {
    ...row,
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
    origin: { model, frontEnd },
    speechSeconds: speechMs / 1000,
    firstHeardAt: new Date(row.firstHeardAt),
    lastHeardAt: new Date(row.lastHeardAt),
    boundTo: boundTo === null ? null : (JSON.parse(boundTo) as GroupRef[]),
  };
}

export function toUnknownVoiceRow({ origin, speechSeconds, boundTo, ...voice }: UnknownVoice): UnknownVoiceRow {
  return {
    ...voice,
    createdAt: voice.createdAt.getTime(),
    updatedAt: voice.updatedAt.getTime(),
    ...origin,
    speechMs: Math.round(speechSeconds * 1000),
    firstHeardAt: voice.firstHeardAt.getTime(),
    lastHeardAt: voice.lastHeardAt.getTime(),
    boundTo: boundToText(boundTo),
  };
}

type Owner = Pick<VoiceShareRow, 'id' | 'voiceId' | 'model' | 'frontEnd'>;

/** What a share's embedding is bound to. */
export const shareOwner = ({ id, voiceId, model, frontEnd }: Owner): string[] => [
  'unknown voice',
  voiceId,
  model,
  frontEnd,
  id,
];

export function toShare({ model, frontEnd, embedding: _, ...row }: VoiceShareRow): VoiceShare {
  return { ...row, heardAt: new Date(row.heardAt), origin: { model, frontEnd } };
}

/** Errors: STORAGE_INVALID where the embedding does not open. */
export function toEmbeddedShare(row: VoiceShareRow, cipher: VectorCipher): EmbeddedShare {
  return { ...toShare(row), embedding: openShare(row, cipher) };
}

/** Errors: STORAGE_INVALID where it does not open. */
export function openShare(row: VoiceShareRow, cipher: VectorCipher): Float32Array {
  return cipher.openVector(row.embedding, shareOwner(row));
}

export function toShareRow({ origin, embedding, ...share }: EmbeddedShare, cipher: VectorCipher): VoiceShareRow {
  const { id, voiceId, conversationId, label, ownSeconds, intervals } = share;
  return {
    id,
    voiceId,
    conversationId,
    label,
    heardAt: share.heardAt.getTime(),
    ownSeconds,
    intervals: intervals.map(({ start, end }) => ({ start, end })),
    ...origin,
    embedding: cipher.sealVector(embedding, shareOwner({ id, voiceId, ...origin })),
  };
}

export function toVoiceStep({ createdAt, undoneAt, ...row }: VoiceStepRow): VoiceStep {
  return { ...row, at: new Date(createdAt), undoneAt: undoneAt === null ? null : new Date(undoneAt) };
}

export function toVoiceStepRow({ at, undoneAt, ...step }: VoiceStep): VoiceStepRow {
  return { ...step, createdAt: at.getTime(), undoneAt: undoneAt?.getTime() ?? null };
}

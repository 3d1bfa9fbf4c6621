import { EntitySchema } from 'typeorm';
import type { UnknownVoiceState } from '../../../records/unknown-voice.js';

export interface UnknownVoiceRow {
  id: string;
  state: UnknownVoiceState;
  /** Milliseconds since 1970, as all times. */
  createdAt: number;
  updatedAt: number;
  version: number;
  model: string;
  frontEnd: string;
  /** Of its own speech: whole milliseconds, in the order of which it is listed. */
  speechMs: number;
  shares: number;
  firstHeardAt: number;
  lastHeardAt: number;
  speakerId: string | null;
  mergedInto: string | null;
  /** As of a conversation. */
  boundTo: string | null;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const UnknownVoiceEntity = new EntitySchema<UnknownVoiceRow>({
  name: 'UnknownVoice',
  tableName: 'unknown_voices',
  columns: {
    id: { type: 'text', primary: true },
    state: { type: 'text' },
    createdAt: { type: 'integer', name: 'created_at' },
    updatedAt: { type: 'integer', name: 'updated_at' },
    version: { type: 'integer' },
    model: { type: 'text' },
    frontEnd: { type: 'text', name: 'front_end' },
    speechMs: { type: 'integer', name: 'speech_ms' },
    shares: { type: 'integer' },
    firstHeardAt: { type: 'integer', name: 'first_heard_at' },
    lastHeardAt: { type: 'integer', name: 'last_heard_at' },
    speakerId: { type: 'text', name: 'speaker_id', nullable: true },
    mergedInto: { type: 'text', name: 'merged_into', nullable: true },
    boundTo: { type: 'text', name: 'bound_to', nullable: true },
  },
  indices: [
    { name: 'unknown_voices_in_order', columns: ['state', 'speechMs', 'id'] },
    { name: 'unknown_voices_by_age', columns: ['state', 'lastHeardAt'] },
    { name: 'unknown_voices_of_model', columns: ['model', 'frontEnd', 'id'] },
    { name: 'unknown_voices_of_speaker', columns: ['speakerId', 'id'] },
    { name: 'unknown_voices_merged', columns: ['mergedInto'] },
  ],
  foreignKeys: [
    {
      name: 'unknown_voices_by_speaker',
      target: 'Speaker',
      columnNames: ['speakerId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
    {
      name: 'unknown_voices_by_merge',
      target: 'UnknownVoice',
      columnNames: ['mergedInto'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
});

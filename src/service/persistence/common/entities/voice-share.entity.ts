import { EntitySchema } from 'typeorm';
import type { Interval } from '../../../../addon/types.js';

export interface VoiceShareRow {
  id: string;
  voiceId: string;
  conversationId: string | null;
  label: string;
  /** Milliseconds since 1970. */
  heardAt: number;
  ownSeconds: number;
  intervals: Interval[];
  model: string;
  frontEnd: string;
  /** Encrypted. */
  embedding: Buffer;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const VoiceShareEntity = new EntitySchema<VoiceShareRow>({
  name: 'VoiceShare',
  tableName: 'unknown_voice_shares',
  columns: {
    id: { type: 'text', primary: true },
    voiceId: { type: 'text', name: 'voice_id' },
    conversationId: { type: 'text', name: 'conversation_id', nullable: true },
    label: { type: 'text' },
    heardAt: { type: 'integer', name: 'heard_at' },
    ownSeconds: { type: 'real', name: 'own_seconds' },
    intervals: { type: 'simple-json' },
    model: { type: 'text' },
    frontEnd: { type: 'text', name: 'front_end' },
    embedding: { type: 'blob' },
  },
  indices: [
    { name: 'unknown_voice_shares_in_order', columns: ['voiceId', 'heardAt', 'id'] },
    { name: 'unknown_voice_shares_by_conversation', columns: ['conversationId', 'label'], unique: true },
  ],
  foreignKeys: [
    {
      name: 'unknown_voice_shares_of_voice',
      target: 'UnknownVoice',
      columnNames: ['voiceId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
    {
      name: 'unknown_voice_shares_of_conversation',
      target: 'Conversation',
      columnNames: ['conversationId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
});

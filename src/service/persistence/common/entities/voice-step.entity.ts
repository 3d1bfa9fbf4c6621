import { EntitySchema } from 'typeorm';
import type { VoiceStepAction, VoiceStepDetail } from '../../../records/unknown-voice.js';

export interface VoiceStepRow {
  id: string;
  voiceId: string;
  /** Perhaps of a voice that is not there any more. */
  otherId: string | null;
  /** Milliseconds since 1970, as all times. */
  createdAt: number;
  by: string;
  action: VoiceStepAction;
  reason: string | null;
  detail: VoiceStepDetail;
  undoneAt: number | null;
  undoneBy: string | null;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const VoiceStepEntity = new EntitySchema<VoiceStepRow>({
  name: 'VoiceStep',
  tableName: 'unknown_voice_steps',
  columns: {
    id: { type: 'text', primary: true },
    voiceId: { type: 'text', name: 'voice_id' },
    otherId: { type: 'text', name: 'other_id', nullable: true },
    createdAt: { type: 'integer', name: 'created_at' },
    by: { type: 'text' },
    action: { type: 'text' },
    reason: { type: 'text', nullable: true },
    detail: { type: 'simple-json' },
    undoneAt: { type: 'integer', name: 'undone_at', nullable: true },
    undoneBy: { type: 'text', name: 'undone_by', nullable: true },
  },
  indices: [
    { name: 'unknown_voice_steps_in_order', columns: ['voiceId', 'createdAt', 'id'] },
    { name: 'unknown_voice_steps_with_other', columns: ['otherId', 'createdAt', 'id'] },
  ],
  foreignKeys: [
    {
      name: 'unknown_voice_steps_of_voice',
      target: 'UnknownVoice',
      columnNames: ['voiceId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
});

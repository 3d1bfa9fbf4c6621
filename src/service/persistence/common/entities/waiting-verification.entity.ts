import { EntitySchema } from 'typeorm';

export interface WaitingVerificationRow {
  id: string;
  speakerId: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  model: string;
  frontEnd: string;
  /** Embedding and all else that is known of the recording, encrypted. */
  sealed: Buffer;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const WaitingVerificationEntity = new EntitySchema<WaitingVerificationRow>({
  name: 'WaitingVerification',
  tableName: 'waiting_verifications',
  columns: {
    id: { type: 'text', primary: true },
    speakerId: { type: 'text', name: 'speaker_id' },
    createdAt: { type: 'integer', name: 'created_at' },
    model: { type: 'text' },
    frontEnd: { type: 'text', name: 'front_end' },
    sealed: { type: 'blob' },
  },
  indices: [
    { name: 'waiting_verifications_in_order', columns: ['speakerId', 'createdAt', 'id'] },
    { name: 'waiting_verifications_by_age', columns: ['createdAt'] },
  ],
  foreignKeys: [
    {
      name: 'waiting_verifications_of_speaker',
      target: 'Speaker',
      columnNames: ['speakerId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
});

import { EntitySchema } from 'typeorm';

export interface ConsentRow {
  id: string;
  speakerId: string;
  givenBy: string;
  method: string;
  textVersion: string;
  /** Milliseconds since 1970, as all times. */
  givenAt: number;
  recordedAt: number;
  withdrawnAt: number | null;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const ConsentEntity = new EntitySchema<ConsentRow>({
  name: 'Consent',
  tableName: 'consents',
  columns: {
    id: { type: 'text', primary: true },
    speakerId: { type: 'text', name: 'speaker_id' },
    givenBy: { type: 'text', name: 'given_by' },
    method: { type: 'text' },
    textVersion: { type: 'text', name: 'text_version' },
    givenAt: { type: 'integer', name: 'given_at' },
    recordedAt: { type: 'integer', name: 'recorded_at' },
    withdrawnAt: { type: 'integer', name: 'withdrawn_at', nullable: true },
  },
  indices: [{ name: 'consents_of_speaker', columns: ['speakerId', 'recordedAt', 'id'] }],
  foreignKeys: [
    {
      name: 'consents_by_speaker',
      target: 'Speaker',
      columnNames: ['speakerId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
});

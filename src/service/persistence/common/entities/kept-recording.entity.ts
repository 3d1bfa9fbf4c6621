import { EntitySchema } from 'typeorm';

export interface KeptRecordingRow {
  /** What the sealed audio is called. */
  id: string;
  speakerId: string;
  contentSha256: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  bytes: number;
  /** Key of the audio, encrypted under the data key. */
  sealedKey: Buffer;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const KeptRecordingEntity = new EntitySchema<KeptRecordingRow>({
  name: 'KeptRecording',
  tableName: 'kept_recordings',
  columns: {
    id: { type: 'text', primary: true },
    speakerId: { type: 'text', name: 'speaker_id' },
    contentSha256: { type: 'text', name: 'content_sha256' },
    createdAt: { type: 'integer', name: 'created_at' },
    bytes: { type: 'integer' },
    sealedKey: { type: 'blob', name: 'sealed_key' },
  },
  indices: [
    { name: 'kept_recordings_of_one_file', columns: ['speakerId', 'contentSha256'], unique: true },
    { name: 'kept_recordings_in_order', columns: ['speakerId', 'createdAt', 'id'] },
    { name: 'kept_recordings_by_age', columns: ['createdAt', 'id'] },
  ],
  foreignKeys: [
    {
      name: 'kept_recordings_of_speaker',
      target: 'Speaker',
      columnNames: ['speakerId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
});

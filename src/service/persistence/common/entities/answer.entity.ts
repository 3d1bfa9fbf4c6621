import { EntitySchema } from 'typeorm';

export interface AnswerRow {
  key: string;
  request: string;
  /** JSON. */
  answer: string;
  speakerId: string | null;
  /** Milliseconds since 1970. */
  createdAt: number;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const AnswerEntity = new EntitySchema<AnswerRow>({
  name: 'Answer',
  tableName: 'answers',
  columns: {
    key: { type: 'text', primary: true },
    request: { type: 'text' },
    answer: { type: 'text' },
    speakerId: { type: 'text', name: 'speaker_id', nullable: true },
    createdAt: { type: 'integer', name: 'created_at' },
  },
  indices: [
    { name: 'answers_in_time', columns: ['createdAt'] },
    { name: 'answers_of_speaker', columns: ['speakerId'] },
  ],
  foreignKeys: [
    {
      name: 'answers_about_speaker',
      target: 'Speaker',
      columnNames: ['speakerId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
});

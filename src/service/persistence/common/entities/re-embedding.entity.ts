import { EntitySchema } from 'typeorm';
import type { ReEmbedding } from '../../../records/re-embedding.js';

export type ReEmbeddingRow = Omit<ReEmbedding, 'origin' | 'createdAt' | 'finishedAt' | 'left'> & {
  model: string;
  frontEnd: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  finishedAt: number | null;
  leftPeople: number | null;
  leftWithoutAudio: number | null;
};

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const ReEmbeddingEntity = new EntitySchema<ReEmbeddingRow>({
  name: 'ReEmbedding',
  tableName: 're_embeddings',
  columns: {
    id: { type: 'text', primary: true },
    state: { type: 'text' },
    model: { type: 'text' },
    frontEnd: { type: 'text', name: 'front_end' },
    by: { type: 'text' },
    createdAt: { type: 'integer', name: 'created_at' },
    finishedAt: { type: 'integer', name: 'finished_at', nullable: true },
    phase: { type: 'text' },
    place: { type: 'text' },
    people: { type: 'integer' },
    done: { type: 'integer' },
    failed: { type: 'integer' },
    recordings: { type: 'integer' },
    removed: { type: 'integer' },
    error: { type: 'simple-json', nullable: true },
    leftPeople: { type: 'integer', name: 'left_people', nullable: true },
    leftWithoutAudio: { type: 'integer', name: 'left_without_audio', nullable: true },
  },
  indices: [
    { name: 're_embeddings_running', columns: ['state'], unique: true, where: `"state" = 'running'` },
    { name: 're_embeddings_in_order', columns: ['createdAt'] },
  ],
});

/** Why somebody could not be embedded at the last attempt. */
export interface ReEmbeddingFailureRow {
  speakerId: string;
  code: string;
  /** Milliseconds since 1970. */
  failedAt: number;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const ReEmbeddingFailureEntity = new EntitySchema<ReEmbeddingFailureRow>({
  name: 'ReEmbeddingFailure',
  tableName: 're_embedding_failures',
  columns: {
    speakerId: { type: 'text', primary: true, name: 'speaker_id' },
    code: { type: 'text' },
    failedAt: { type: 'integer', name: 'failed_at' },
  },
  foreignKeys: [
    {
      name: 're_embedding_failures_of_speaker',
      target: 'Speaker',
      columnNames: ['speakerId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
});

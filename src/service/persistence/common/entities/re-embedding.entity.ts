import { EntitySchema } from 'typeorm';
import type { ReEmbedding } from '../../../records/re-embedding.js';

export type ReEmbeddingRow = Omit<ReEmbedding, 'origin' | 'createdAt' | 'finishedAt'> & {
  model: string;
  frontEnd: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  finishedAt: number | null;
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
  },
  indices: [
    { name: 're_embeddings_running', columns: ['state'], unique: true, where: `"state" = 'running'` },
    { name: 're_embeddings_in_order', columns: ['createdAt'] },
  ],
});

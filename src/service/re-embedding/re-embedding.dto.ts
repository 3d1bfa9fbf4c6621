import { z } from 'zod';
import { nextCursorView, pageQuery } from '../http/pages.js';
import { RE_EMBEDDING_STATES, type ReEmbedding } from '../records/re-embedding.js';
import type { Left, ReEmbeddingStatus } from './re-embedding.service.js';

const run = z.object({
  id: z.uuid(),
  state: z.enum(RE_EMBEDDING_STATES).meta({
    description: 'cancelled, failed: who was switched until then stays so, and vectors of other models stay.',
  }),
  model: z.string().meta({ description: 'That it was begun with.', example: 'starter@0123456789ab' }),
  by: z.string(),
  createdAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  phase: z.enum(['embedding', 'removing']).meta({
    description: 'embedding: people switch one by one. removing: everybody was passed, and vectors of other models go.',
  }),
  people: z.int().meta({ description: 'With kept recordings, when it began.' }),
  done: z.int().meta({ description: 'Of them, those whose kept recordings are all embedded by the model.' }),
  failed: z.int().meta({ description: 'Those of whom something could not be embedded.' }),
  recordings: z.int().meta({ description: 'Embedded.' }),
  removed: z.int().meta({ description: 'Vectors of other models that went.' }),
  error: z
    .object({ code: z.string().meta({ example: 'MODEL_MISMATCH' }), message: z.string() })
    .nullable()
    .meta({ description: 'Why it ended without being done: another model was loaded.' }),
});

export const reEmbeddingView = z.object({
  run: run.nullable().meta({ description: 'The one that runs, or was the last; null before the first.' }),
  left: z
    .object({
      people: z.int().meta({ description: 'Who has enrolled recordings that the model has not embedded.' }),
      withoutAudio: z.int().meta({ description: 'Of them, those of whose such recordings none is kept.' }),
      countedAt: z.iso.datetime().meta({
        description:
          'When all were counted: while one runs, at its beginning, and since then less by everybody whom it has switched; otherwise ' +
          'a minute ago at most, or longer where counting takes seconds.',
      }),
    })
    .meta({ description: '`/v1/models/current/re-embed/people` lists them as they are now.' }),
  kept: z
    .object({
      recordings: z.int(),
      bytes: z.int(),
      people: z.int().meta({ description: 'As of `left.countedAt`.' }),
    })
    .meta({ description: 'Audio that is kept.' }),
});

export const listPeople = z.strictObject(pageQuery('People', { most: 500, usual: 100 }));

export const peopleView = z.object({
  people: z.array(
    z.object({
      speakerId: z.string().meta({ example: 'ada' }),
      recordings: z.int().meta({ description: 'Enrolled recordings that the model has not embedded.' }),
      audioKept: z.int().meta({ description: 'Of them, those whose audio is kept.' }),
      enrolled: z.boolean().meta({ description: 'Whether other recordings make the speaker Enrolled for the model.' }),
      reason: z.string().meta({
        description:
          'NO_AUDIO: no recording is kept. WAITING: nobody has tried yet. Otherwise the code of the error, as of the recording ' +
          'or its consent.',
        example: 'NO_AUDIO',
      }),
    }),
  ),
  nextCursor: nextCursorView,
});

export type ReEmbeddingView = z.output<typeof reEmbeddingView>;
export type PeopleView = z.output<typeof peopleView>;

export function toReEmbeddingView({ run: of, left, kept }: ReEmbeddingStatus): ReEmbeddingView {
  return { run: of && toRunView(of), left: { ...left, countedAt: left.countedAt.toISOString() }, kept };
}

function toRunView({ origin, createdAt, finishedAt, place: _, left: __, ...rest }: ReEmbedding): z.output<typeof run> {
  return {
    ...rest,
    model: origin.model,
    createdAt: createdAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
  };
}

export function toPeopleView({ rows, nextCursor }: { rows: readonly Left[]; nextCursor: string | null }): PeopleView {
  return {
    people: rows.map(({ speakerId, recordings, audioKept, enrolled, reason }) => ({
      speakerId,
      recordings,
      audioKept,
      enrolled,
      reason,
    })),
    nextCursor,
  };
}

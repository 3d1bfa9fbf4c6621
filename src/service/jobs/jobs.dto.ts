import { z } from 'zod';
import { giveConsent } from '../consent/consent.dto.js';
import { nextCursorView, pageQuery } from '../http/pages.js';
import { isDataUrl } from '../../support/data-url.js';
import { LONGEST_ID } from '../../support/speaker-id.js';
import { LONGEST_NAME } from '../records/speaker.js';
import { ITEM_STATES, JOB_STATES, waiting, type Job, type JobItem } from '../records/job.js';

const EXAMPLE_JOB = '0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11';
const EXAMPLE_ENROLLMENT = '5a1f3c0c-77d4-4f0c-8a43-0c1f2b9e6d20';

/** Of any job, whatever the setting says. */
const MOST_JOB_ITEMS = 100_000;

/** Characters of the JSON in a form: of the items, what TIMBRE_MAX_JSON_BYTES is unless it is set; of a consent. */
const MOST_JSON = 16 * 1024 * 1024;
export const LONGEST_CONSENT = 16 * 1024;

const createSpeakers = 'Whether speakers who are not there are added, at once; otherwise their recordings fail.';

const consentOfAll =
  'A consent of every speaker of the session who has none recorded; one of an item comes first. Speakers who have ' +
  'withdrawn theirs stay out.';

/** Whom one recording is of. */
const speakerOf = {
  speakerId: z.string().meta({
    maxLength: LONGEST_ID,
    description: `The speaker's id, as of POST /v1/speakers; ${LONGEST_ID} characters at most.`,
    example: 'ada',
  }),
  name: z
    .string()
    .nullable()
    .optional()
    .meta({
      maxLength: LONGEST_NAME,
      description: `Name of a speaker who is added, ${LONGEST_NAME} characters at most.`,
      example: 'Ada Lovelace',
    }),
  consent: giveConsent.optional().meta({
    description: "The speaker's consent, recorded where there is none; the first of a speaker's items counts.",
  }),
};

export const itemOfPath = z.strictObject({
  ...speakerOf,
  path: z
    .string()
    .min(1)
    .max(4096)
    .refine((path) => !isDataUrl(path), 'is a data: URL, not a path; decode its base64 and upload the recording')
    .meta({
      description: 'A file of the machine the service runs on, below its AUDIO_ROOTS.',
      example: '/srv/recordings/ada/1.wav',
    }),
});

/** The session without its items. */
export const sessionEnvelope = z.strictObject({
  createSpeakers: z.boolean().default(false).meta({ description: createSpeakers }),
  consent: giveConsent.optional().meta({ description: consentOfAll }),
  items: z.unknown(),
});

/** As the API describes it; a long list is checked item by item. */
export const sessionOfPaths = z
  .strictObject({
    ...sessionEnvelope.shape,
    items: z
      .array(itemOfPath)
      .min(1)
      .max(MOST_JOB_ITEMS)
      .meta({ description: 'The recordings; TIMBRE_MAX_JOB_ITEMS bounds how many.' }),
  })
  .meta({
    example: {
      createSpeakers: true,
      items: [
        { speakerId: 'ada', name: 'Ada Lovelace', path: '/srv/recordings/ada/1.wav' },
        { speakerId: 'ada', path: '/srv/recordings/ada/2.wav' },
      ],
    },
  });

/** One entry of the form's field `items`. */
export const uploadedItem = z.strictObject(speakerOf);

export const sessionOfUploads = z.strictObject({
  items: z.unknown().meta({
    type: 'string',
    maxLength: MOST_JSON,
    description:
      'JSON: a list with one `{ "speakerId", "name"?, "consent"? }` for each recording, in the order of the uploads.',
    example: '[{"speakerId":"ada","name":"Ada Lovelace"},{"speakerId":"ada"}]',
  }),
  createSpeakers: z.enum(['true', 'false']).default('false').meta({ description: createSpeakers }),
  consent: z
    .unknown()
    .optional()
    .meta({
      type: 'string',
      maxLength: LONGEST_CONSENT,
      description: `JSON: \`{ "method", "textVersion", "givenBy"?, "givenAt"? }\`. ${consentOfAll}`,
      example: '{"method":"signed form","textVersion":"privacy-2026-03"}',
    }),
});

export const jobView = z.object({
  id: z.uuid().meta({ example: EXAMPLE_JOB }),
  state: z.enum(JOB_STATES).meta({
    description: 'completed: every recording has an outcome; failed: each of them is an error.',
  }),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  finishedAt: z.iso.datetime().nullable(),
  counts: z
    .object({ total: z.int(), waiting: z.int(), done: z.int(), failed: z.int(), cancelled: z.int() })
    .meta({ description: 'Recordings.', example: { total: 120, waiting: 77, done: 41, failed: 2, cancelled: 0 } }),
  secondsLeft: z
    .number()
    .nullable()
    .meta({
      description:
        'At the pace of late, with the jobs before it; null where that is not known, after the end, and for a key that is bound ' +
        'to groups.',
      example: 31.5,
    }),
});

export const jobItemView = z.object({
  index: z.int().meta({ description: 'Position in the job, from 0.' }),
  speakerId: z
    .string()
    .nullable()
    .meta({ description: 'Null once the speaker was erased, and of a conversation.', example: 'ada' }),
  conversationId: z
    .string()
    .nullable()
    .meta({ description: 'The conversation that the recording is; null of a recording of one speaker.' }),
  filename: z.string().nullable().meta({ example: '1.wav' }),
  path: z
    .string()
    .nullable()
    .meta({ description: 'As it was given, from the root where it was relative; null for an upload.' }),
  state: z.enum(ITEM_STATES),
  result: z
    .object({
      enrollmentId: z.string(),
      duplicate: z.boolean().meta({ description: 'The speaker had this very file already; nothing was added.' }),
      accepted: z.boolean().meta({ description: 'Whether the recording is good enough to count.' }),
    })
    .nullable()
    .meta({ example: { enrollmentId: EXAMPLE_ENROLLMENT, duplicate: false, accepted: true } }),
  error: z
    .object({ code: z.string(), message: z.string() })
    .nullable()
    .meta({ description: 'Why it failed; other recordings are not touched.' }),
  settledAt: z.iso.datetime().nullable(),
});

export const listJobs = z.strictObject(pageQuery('Jobs', { most: 500, usual: 50 }));

export const jobsView = z.object({
  jobs: z.array(jobView),
  total: z.int().meta({ description: 'Of all pages.' }),
  nextCursor: nextCursorView,
});

export const getJob = z.strictObject({
  ...pageQuery('Recordings', { most: 1000, usual: 100 }),
  state: z.enum(ITEM_STATES).optional().meta({ description: 'Only recordings of this state.' }),
});

export const jobWithItemsView = jobView.extend({
  items: z.array(jobItemView).meta({ description: 'One page of the recordings, in their order.' }),
  nextCursor: nextCursorView,
});

/** The data of an `item` event: what came of the recording, and where the job stands when it is told. */
export const itemEventView = jobItemView.extend({ job: jobView });

export type JobView = z.output<typeof jobView>;
export type JobsView = z.output<typeof jobsView>;
export type JobItemView = z.output<typeof jobItemView>;
export type ItemEventView = z.output<typeof itemEventView>;
export type JobWithItemsView = z.output<typeof jobWithItemsView>;

export function toJobView(job: Job, secondsLeft: number | null): JobView {
  const { id, state, createdAt, startedAt, finishedAt, total, done, failed, cancelled } = job;
  return {
    id,
    state,
    createdAt: createdAt.toISOString(),
    startedAt: startedAt?.toISOString() ?? null,
    finishedAt: finishedAt?.toISOString() ?? null,
    counts: { total, waiting: waiting(job), done, failed, cancelled },
    secondsLeft: secondsLeft === null ? null : Math.round(secondsLeft * 10) / 10,
  };
}

export function toJobItemView(item: JobItem): JobItemView {
  const { index, speakerId, conversationId, fileName, path, state, result, error, settledAt } = item;
  return {
    index,
    speakerId,
    conversationId,
    filename: fileName,
    path,
    state,
    result,
    error,
    settledAt: settledAt?.toISOString() ?? null,
  };
}

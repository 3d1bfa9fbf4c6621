import { z } from 'zod';
import { withoutVectors } from '../../scoring/model-calibration.js';
import { CALIBRATION_SOURCES, type AnsweringCalibration } from '../engine/embedding-engine.js';
import { nextCursorView, pageQuery } from '../http/pages.js';
import { CALIBRATION_ORIGINS, LONGEST_CALIBRATION_NOTE, type SavedCalibration } from '../records/calibration.js';

const from = z
  .enum(CALIBRATION_ORIGINS)
  .meta({ description: '`file`: what `timbre calibrate` wrote; `people`: who was enrolled; `trials`: scored trials.' });

/** Of a calibration at its top: what is written has seven. */
const MOST_FIELDS = 50;

const fields = z.record(z.string(), z.unknown());

export const saveCalibration = z.strictObject({
  calibration: fields
    .refine((given) => Object.keys(given).length <= MOST_FIELDS, `${MOST_FIELDS} fields at most`)
    .meta({ maxProperties: MOST_FIELDS, description: 'What `timbre calibrate` writes, of the loaded model.' }),
  note: z
    .string()
    .nullable()
    .optional()
    .meta({
      maxLength: LONGEST_CALIBRATION_NOTE,
      description: `For people; ${LONGEST_CALIBRATION_NOTE} characters at most, one line.`,
      example: 'conference rooms, spring',
    }),
  from: from.default('file'),
  use: z.boolean().default(false).meta({ description: 'Whether it is put to use at once.' }),
});

export const listCalibrations = z.strictObject(pageQuery('Calibrations', { most: 50, usual: 20 }));

export const useModelCalibration = z.strictObject({
  model: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'Of which model; default: the one that is loaded.' }),
});

/** Recordings that are compared, and so are in memory with their vectors. */
export const MOST_COMPARED = 2000;
const FEWEST_COMPARED = 40;

export const enrolledTrialsQuery = z.strictObject({
  recordings: z.coerce
    .number()
    .int()
    .min(FEWEST_COMPARED)
    .max(MOST_COMPARED)
    .default(MOST_COMPARED)
    .meta({ description: 'At most; where there are more, people are drawn without preference, the same each time.' }),
});

const flag = z.union([z.literal(0), z.literal(1)]);
const speakerNumbers = z.array(z.int());

export const trialColumns = z.object({
  labels: z.array(flag).meta({ description: '1: the same person, 0: different people.' }),
  scores: z.array(z.number()).meta({ description: 'Cosines.' }),
  enrolmentSeconds: z.array(z.number()).meta({ description: 'Of speech, of all recordings of the profile.' }),
  testSeconds: z.array(z.number()).meta({ description: 'Of speech, of the recording.' }),
  recordings: z.array(z.int()).meta({ description: 'That the profile is the mean of.' }),
  enrolmentSpeakers: speakerNumbers.meta({
    description: 'Whose profile it is: a number that means nothing elsewhere.',
  }),
  testSpeakers: speakerNumbers.meta({ description: 'Whose recording it is, by the same numbers.' }),
});

export const enrolledTrialsView = z.object({
  model: z.string().meta({ description: 'That the recordings are of.', example: 'starter@0123456789ab' }),
  people: z.int().meta({ description: 'Whose recordings were compared.', example: 24 }),
  recordings: z.int().meta({ example: 120 }),
  drawn: z.boolean().meta({ description: 'Whether there are more recordings than these.' }),
  unreadable: z.int().meta({ description: 'People who are left out because their records cannot be read.' }),
  trials: trialColumns.meta({ description: 'A column each, in one order.' }),
});

export const answeringCalibration = z.object({
  from: z.enum(CALIBRATION_SOURCES).meta({
    description: "`model`: the bundle's own; `file`: that of TIMBRE_CALIBRATION; `saved`: the version that is in use.",
  }),
  version: z.int().nullable().meta({ description: 'Of a saved one.' }),
});

export const calibrationView = z.object({
  version: z.int().meta({ description: 'Grows with each that is saved.', example: 3 }),
  model: z.string().meta({ description: 'That it is for.', example: 'starter@0123456789ab' }),
  from,
  note: z.string().nullable(),
  by: z.string().meta({ description: 'Who saved it, as the audit trail names them.' }),
  createdAt: z.iso.datetime(),
  inUse: z.boolean().meta({ description: 'For its model.' }),
  usedAt: z.iso.datetime().nullable().meta({ description: 'When it was put to use last.' }),
  readable: z
    .boolean()
    .meta({ description: 'False where it was changed or damaged in the database: it cannot be used.' }),
  thresholds: z
    .array(z.object({ falseAcceptRate: z.number(), cosine: z.number().nullable(), llr: z.number().nullable() }))
    .meta({ description: 'By falling rate of false accepts.' }),
  learnedOn: z
    .object({ targets: z.int(), impostors: z.int(), speakers: z.int() })
    .nullable()
    .meta({ description: 'Trials and people that it was learned on, where it says so.' }),
});

export const calibrationDetails = calibrationView.extend({
  calibration: fields.nullable().meta({
    description: 'As it was saved, without the vectors of a cohort; null where it cannot be read.',
  }),
});

export const calibrationStanding = z.object({
  answers: answeringCalibration.nullable().meta({ description: 'What decides; null until the model is loaded.' }),
  fixedBy: z.string().nullable().meta({
    description: 'The setting that names what decides, so that none is put to use.',
    example: 'TIMBRE_CALIBRATION',
  }),
  setAside: z.int().nullable().meta({ description: 'The version in use that cannot be used.' }),
});

export const calibrationsView = calibrationStanding.extend({
  calibrations: z.array(calibrationView),
  nextCursor: nextCursorView,
});

export type EnrolledTrialsView = z.output<typeof enrolledTrialsView>;
export type CalibrationView = z.output<typeof calibrationView>;
export type CalibrationDetails = z.output<typeof calibrationDetails>;
export type CalibrationsView = z.output<typeof calibrationsView>;
export type CalibrationStanding = z.output<typeof calibrationStanding>;

export function toStanding({
  answers,
  fixedBy,
  setAside,
}: {
  answers: AnsweringCalibration | null;
  fixedBy: string | null;
  setAside: number | null;
}): CalibrationStanding {
  return { answers, fixedBy, setAside };
}

export function toCalibrationView(saved: SavedCalibration): CalibrationView {
  const { version, model, from: origin, note, by, createdAt, inUse, usedAt, file } = saved;
  return {
    version,
    model,
    from: origin,
    note,
    by,
    createdAt: createdAt.toISOString(),
    inUse,
    usedAt: usedAt?.toISOString() ?? null,
    readable: file !== null,
    thresholds: file?.thresholds ?? [],
    learnedOn: file && learnedOn(file.learned),
  };
}

export function toCalibrationDetails(saved: SavedCalibration): CalibrationDetails {
  const { file } = saved;
  return { ...toCalibrationView(saved), calibration: file && withoutVectors({ ...file }) };
}

/** Null where a file says nothing of it, or something else. */
function learnedOn({ targets, impostors, speakers }: Record<string, unknown>): CalibrationView['learnedOn'] {
  if (!isCount(targets) || !isCount(impostors) || !isCount(speakers)) return null;
  return { targets, impostors, speakers };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

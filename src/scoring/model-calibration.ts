import { readFile, writeFile } from 'node:fs/promises';
import { placeWhole } from '../support/files.js';
import type { PauseHandling } from '../support/pause-handling.js';
import { TimbreError } from '../errors/timbre-error.js';
import { SIDE_QUALITY, type Calibration } from '../evaluation/calibration.js';
import type { Cohort, Normalisation } from '../evaluation/normalise.js';
import { parseImpostorTail, type ImpostorTail } from './impostor-tail.js';
import type { Nuisance } from './nuisance.js';
import { decodeVectors, type EncodedVectors } from './vectors.js';

/** Where to cut scores for a target share of impostors accepted. */
export interface ScoreThreshold {
  falseAcceptRate: number;
  /** Null where the calibration normalises scores or looks at durations: no one cosine is the threshold then. */
  cosine: number | null;
  /** Null without a calibration. */
  llr: number | null;
}

/** A calibration, and the scores that it is for. */
export type ScoreCalibration = Calibration & {
  norm: Normalisation;
  /** Speakers of the cohort that AS-norm looks at; absent: `AS_NORM_TOP`. */
  closest?: number;
};

/** What turns a cosine into evidence: from the bundle's manifest, or from a user's calibration file. */
export interface ModelCalibration {
  /** Null: cosines only. */
  calibration: ScoreCalibration | null;
  /** By falling false acceptance rate. */
  thresholds: ScoreThreshold[];
  /** How high strangers score, in natural log-likelihood ratios; null where that was not learned. */
  impostorTail: ImpostorTail | null;
  cohort: Cohort | null;
  /** What embeddings are freed of before they are compared; absent: nothing. */
  nuisance?: Nuisance;
  /** By how much the evidence for a name has to lead that for everybody else; absent: `LEAST_MARGIN`. */
  nameMargin?: number;
}

/** What `timbre calibrate` writes, and TIMBRE_CALIBRATION names. */
export interface CalibrationFile {
  format: 1;
  /** The model whose scores it is for, `<id>@<digits>`; it is refused for another. */
  model: string;
  calibration: ScoreCalibration;
  thresholds: ScoreThreshold[];
  impostorTail?: ImpostorTail;
  /** Present where scores were normalised by a cohort other than the bundle's. */
  cohort?: EncodedVectors;
  /** What it was learned on, for people. */
  learned: Record<string, unknown>;
}

/**
 * `<id>@<first 12 digits of the identity>`, the name that embeddings carry: the identity is of everything that moves a
 * vector, so that embeddings of one name, and no others, may be compared.
 */
export function modelName(manifest: Readonly<Record<string, unknown>>): string {
  const name = namedBy(manifest, 'identity');
  if (name === null) throw new TimbreError('MODEL_INVALID', 'the manifest lacks id or identity');
  return name;
}

/**
 * What the same model was called while names had the digest of its weights in them: stored embeddings and calibrations
 * of then carry it. Null for a bundle with a rule for pauses, whose embeddings differ from all that were made then.
 */
export function formerModelName(manifest: Readonly<Record<string, unknown>>): string | null {
  return manifest['pauses'] == null ? namedBy(manifest, 'weightsDigest') : null;
}

function namedBy(manifest: Readonly<Record<string, unknown>>, field: string): string | null {
  const digest = (manifest[field] as { value?: unknown } | null | undefined)?.value;
  if (typeof manifest['id'] !== 'string' || typeof digest !== 'string') return null;
  return `${manifest['id']}@${digest.slice(0, 12)}`;
}

/** Cosines only. */
export const NOT_CALIBRATED: ModelCalibration = { calibration: null, thresholds: [], impostorTail: null, cohort: null };

/** What an encoder says of its embeddings. */
export interface EmbeddingNames {
  model: string;
  modelWithPauses: string;
  pauses: PauseHandling;
  manifest: Readonly<Record<string, unknown>>;
}

/** The `model` that embeddings made this way carry. */
export function modelFor({ model, modelWithPauses }: EmbeddingNames, pauses?: PauseHandling): string {
  return pauses === 'keep' ? modelWithPauses : model;
}

/**
 * What a bundle says that embeddings made this way are worth. It was learned on those that the bundle makes by itself,
 * and says nothing about recordings with all their pauses where the bundle takes them out.
 */
export function calibrationFor(names: EmbeddingNames, pauses?: PauseHandling): ModelCalibration {
  return modelFor(names, pauses) === names.model ? calibrationOf(names.manifest) : NOT_CALIBRATED;
}

/** The calibration, thresholds and cohort of a bundle; all empty where it has none. */
export function calibrationOf(manifest: Readonly<Record<string, unknown>>): ModelCalibration {
  const where = `the manifest of ${String(manifest['id'])}`;
  return {
    calibration: manifest['calibration'] == null ? null : parseCalibration(manifest['calibration'], where),
    thresholds: manifest['thresholds'] == null ? [] : parseThresholds(manifest['thresholds'], where),
    impostorTail: manifest['impostorTail'] == null ? null : parseImpostorTail(manifest['impostorTail'], where),
    cohort: manifest['cohort'] == null ? null : decodeVectors(manifest['cohort'], `the cohort in ${where}`),
  };
}

/** Reads a user's calibration for embeddings made this way. Errors: INVALID_ARGUMENT, MODEL_MISMATCH, MODEL_INVALID. */
export async function readCalibrationFile(
  path: string,
  names: EmbeddingNames,
  pauses?: PauseHandling,
): Promise<ModelCalibration> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new TimbreError('INVALID_ARGUMENT', `cannot read the calibration ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return parseCalibrationFile(content, path, names, pauses).parsed;
}

/**
 * A user's calibration for embeddings made this way, and the file's own fields without any others. `where` says in messages
 * where it is. Errors: INVALID_ARGUMENT, MODEL_MISMATCH, MODEL_INVALID.
 */
export function parseCalibrationFile(
  content: unknown,
  where: string,
  names: EmbeddingNames,
  pauses?: PauseHandling,
): { file: CalibrationFile; parsed: ModelCalibration } {
  const file = content as Partial<CalibrationFile> | null;
  if (file?.format !== 1) {
    throw new TimbreError('INVALID_ARGUMENT', `${where} is no calibration; \`timbre calibrate\` writes one`);
  }
  const model = modelFor(names, pauses);
  if (file.model !== model && (file.model === undefined || file.model !== formerModelName(names.manifest))) {
    throw new TimbreError(
      'MODEL_MISMATCH',
      `the calibration in ${where} is for ${String(file.model)}, the model is ${model}; run \`timbre calibrate\` with it`,
    );
  }
  const { impostorTail, cohort, learned } = file;
  const calibration = parseCalibration(file.calibration, where);
  const thresholds = parseThresholds(file.thresholds, where);
  const tail = impostorTail == null ? null : parseImpostorTail(impostorTail, where);
  const own = cohort ? decodeVectors(cohort, `the cohort in ${where}`) : null;
  return {
    file: {
      format: 1,
      model: file.model,
      calibration,
      thresholds,
      ...(tail && { impostorTail: tail }),
      ...(cohort && { cohort: encoded(cohort) }),
      learned: isRecord(learned) ? learned : {},
    },
    parsed: { calibration, thresholds, impostorTail: tail, cohort: own ?? calibrationFor(names, pauses).cohort },
  };
}

function encoded({ speakers, dim, encoding, data }: EncodedVectors): EncodedVectors {
  return { speakers, dim, encoding, data };
}

/** Writes through a temporary name, so that a calibration in use is never half written. */
export async function writeCalibrationFile(path: string, file: CalibrationFile): Promise<void> {
  await placeWhole(path, (aside) => writeFile(aside, `${JSON.stringify(file, null, 2)}\n`));
}

/** A manifest for people: long vectors replaced by how many there are. */
export function withoutVectors(manifest: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const cohort = manifest['cohort'] as Partial<EncodedVectors> | undefined;
  if (!cohort) return { ...manifest };
  return { ...manifest, cohort: { speakers: cohort.speakers, dim: cohort.dim, encoding: cohort.encoding } };
}

const NORMALISATIONS: readonly unknown[] = ['none', 's', 'as'];
const MEASURES: readonly string[] = Object.values(SIDE_QUALITY).flat();

function parseCalibration(value: unknown, where: string): ScoreCalibration {
  const { offset, scale, quality = {}, norm = 'none', closest } = (value ?? {}) as Partial<ScoreCalibration>;
  const isQuality = isRecord(quality) && Object.keys(quality).every((name) => MEASURES.includes(name));
  const numbers = [offset, scale, ...(isQuality ? Object.values(quality) : [NaN])];
  if (!numbers.every((n) => Number.isFinite(n)) || !(scale! > 0) || !NORMALISATIONS.includes(norm)) {
    throw new TimbreError(
      'MODEL_INVALID',
      `the calibration in ${where} is not of the form { offset, scale above 0, quality: { name: weight }, norm }, with ` +
        `weights of ${MEASURES.join(', ')} alone`,
    );
  }
  if (closest !== undefined && (norm !== 'as' || !(Number.isInteger(closest) && closest >= 2))) {
    throw new TimbreError(
      'MODEL_INVALID',
      `the calibration in ${where} looks at the closest ${String(closest)} of a cohort; that is a whole number from 2 on, with ` +
        'the norm as alone',
    );
  }
  return { offset: offset!, scale: scale!, quality: { ...quality }, norm, ...(closest !== undefined && { closest }) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseThresholds(value: unknown, where: string): ScoreThreshold[] {
  const numberOrNull = (x: unknown): boolean => x === null || Number.isFinite(x);
  const thresholds = (Array.isArray(value) ? value : [undefined]) as (Partial<ScoreThreshold> | undefined)[];
  return thresholds
    .map((threshold) => {
      const { falseAcceptRate, cosine = null, llr = null } = threshold ?? {};
      if (!(falseAcceptRate! > 0 && falseAcceptRate! < 1) || !numberOrNull(cosine) || !numberOrNull(llr)) {
        throw new TimbreError(
          'MODEL_INVALID',
          `the thresholds in ${where} are not of the form [{ falseAcceptRate, cosine, llr }]`,
        );
      }
      return { falseAcceptRate: falseAcceptRate!, cosine, llr };
    })
    .sort((a, b) => b.falseAcceptRate - a.falseAcceptRate);
}

import { TimbreError } from '../../errors/timbre-error.js';
import type { CalibrationFile } from '../../scoring/model-calibration.js';

/** What a calibration was learned on: trials that a file was made of, people who were enrolled, or scored trials. */
export const CALIBRATION_ORIGINS = ['file', 'people', 'trials'] as const;
export type CalibrationOrigin = (typeof CALIBRATION_ORIGINS)[number];

/** Of one service, whatever models they are for. */
export const MOST_CALIBRATIONS = 100;

/** Of the JSON of one that is saved, with its note: two thousand speakers of 192 dimensions are a cohort of 1 MiB. */
export const MOST_CALIBRATION_BYTES = 1.25 * 1024 * 1024;

/** Characters. */
export const LONGEST_CALIBRATION_NOTE = 500;

/** A calibration that was saved in the service. It never changes; which one is in use does. */
export interface SavedCalibration {
  /** UUID. */
  id: string;
  /** Grows with each that is saved, and is never given again. */
  version: number;
  /** The model that it is for, `<id>@<digits>`. */
  model: string;
  from: CalibrationOrigin;
  /** For people. */
  note: string | null;
  /** As the audit trail names who saved it. */
  by: string;
  createdAt: Date;
  /** Of all that are for a model, one at most. */
  inUse: boolean;
  /** When it was put to use last; null: never. */
  usedAt: Date | null;
  /** Null where the row is not as it was written, or does not open. */
  file: CalibrationFile | null;
}

export type NewCalibration = Omit<SavedCalibration, 'id' | 'version' | 'inUse' | 'usedAt' | 'file'> & {
  file: CalibrationFile;
};

export abstract class CalibrationRepository {
  /** With the next version; it is not in use. */
  abstract insert(calibration: NewCalibration): Promise<SavedCalibration>;

  /** Newest first; `before`: of versions below. */
  abstract page(before: number | null, limit: number): Promise<SavedCalibration[]>;

  abstract find(version: number): Promise<SavedCalibration | null>;

  /** The one in use for a model. */
  abstract inUse(model: string): Promise<SavedCalibration | null>;

  abstract count(): Promise<number>;

  /** The oldest version that is neither in use nor was last in use for its model; null where there is none. */
  abstract oldestUnused(): Promise<number | null>;

  /**
   * Puts one to use in place of that which is in use for its model. Errors: STORAGE_INVALID where it is not as it was
   * written.
   */
  abstract use(calibration: SavedCalibration, at: Date): Promise<void>;

  /** None is in use for the model any more. */
  abstract useNone(model: string): Promise<void>;

  /** False where there is none. */
  abstract delete(version: number): Promise<boolean>;
}

export function calibrationNotFound(version: number | string): TimbreError {
  return new TimbreError(
    'CALIBRATION_NOT_FOUND',
    `no saved calibration has the version ${String(version).slice(0, 20)}`,
  );
}

import { TimbreError } from '../../../../errors/timbre-error.js';
import type { CalibrationFile } from '../../../../scoring/model-calibration.js';
import type { SavedCalibration } from '../../../records/calibration.js';
import type { CalibrationRow } from '../entities/calibration.entity.js';
import type { VectorCipher } from '../vector-cipher.js';

/** What the calibration is bound to. */
export const calibrationOwner = ({ id }: Pick<CalibrationRow, 'id'>): string[] => ['calibration', id];

export function toCalibrationRow(
  { file, from, createdAt, usedAt, ...rest }: SavedCalibration & { file: CalibrationFile },
  cipher: VectorCipher,
): CalibrationRow {
  const content = Buffer.from(JSON.stringify(file));
  const sealed = cipher.seal(content, calibrationOwner(rest));
  content.fill(0);
  return { ...rest, source: from, createdAt: createdAt.getTime(), usedAt: usedAt?.getTime() ?? null, sealed };
}

/** `known`: whether the row is as it was written. One that is not, or does not open, stops no other: it has no file. */
export function toCalibration(
  { sealed, source, createdAt, usedAt, ...rest }: CalibrationRow,
  known: boolean,
  cipher: VectorCipher,
): SavedCalibration {
  return {
    ...rest,
    from: source,
    createdAt: new Date(createdAt),
    usedAt: usedAt === null ? null : new Date(usedAt),
    file: known ? opened(sealed, rest, cipher) : null,
  };
}

function opened(sealed: Buffer, row: Pick<CalibrationRow, 'id'>, cipher: VectorCipher): CalibrationFile | null {
  try {
    return JSON.parse(cipher.open(sealed, calibrationOwner(row)).toString('utf8')) as CalibrationFile;
  } catch (error) {
    if (error instanceof TimbreError) return null;
    throw error;
  }
}

import type { CalibrationFile } from '../../src/scoring/model-calibration.js';
import { encodeVectors } from '../../src/scoring/vectors.js';
import type { NewCalibration } from '../../src/service/records/calibration.js';

/** A calibration as a file has it, whose thresholds at 1 % and 0.1 % are these cosines. */
export function calibrationFile(model: string, cosine = 0.5, more: Partial<CalibrationFile> = {}): CalibrationFile {
  return {
    format: 1,
    model,
    calibration: { offset: -4, scale: 10, quality: {}, norm: 'none' },
    thresholds: [
      { falseAcceptRate: 0.01, cosine, llr: 10 * cosine - 4 },
      { falseAcceptRate: 0.001, cosine: cosine + 0.005, llr: 10 * (cosine + 0.005) - 4 },
    ],
    learned: { trials: 'trials.txt', targets: 120, impostors: 2400, speakers: 24 },
    ...more,
  };
}

/** With voices of a cohort in it. */
export function newCalibration(model: string, more: Partial<NewCalibration> = {}): NewCalibration {
  const embeddings = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i));
  const file = calibrationFile(model, 0.5, { cohort: encodeVectors({ embeddings, dim: 4 }) });
  return { model, from: 'file', note: null, by: 'test', createdAt: new Date(1000), file, ...more };
}

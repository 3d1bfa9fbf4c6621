import { calibrationFor, NOT_CALIBRATED, type EmbeddingNames, type ModelCalibration } from './model-calibration.js';

/**
 * What the voices of conversations are worth against profiles, by the name that voices carry: their cosines are lower and
 * wider spread than those of recordings. Learned by bench/js/names.mjs.
 */
const VOICES: Readonly<Record<string, Pick<ModelCalibration, 'calibration' | 'impostorTail'>>> = {};

/**
 * The calibration for naming voices of conversations: one of voices where the model is known here, else what the bundle
 * says of recordings, which promises more than it holds for voices.
 */
export function voiceCalibrationFor(names: EmbeddingNames): ModelCalibration {
  const voices = VOICES[names.modelWithPauses];
  return voices ? { ...NOT_CALIBRATED, ...voices } : calibrationFor(names);
}

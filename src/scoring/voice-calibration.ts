import { calibrationFor, NOT_CALIBRATED, type EmbeddingNames, type ModelCalibration } from './model-calibration.js';
import { decodeVectors, type EncodedVectors } from './vectors.js';
import { VOICES } from './voice-calibration.data.js';

/** By the name that voices carry. The first vector is the mean, the others are directions. */
type VoiceCalibration = Readonly<
  Pick<ModelCalibration, 'calibration' | 'impostorTail' | 'nameMargin'> & { nuisance: EncodedVectors }
>;

/**
 * The calibration for naming voices of conversations: where the model is known here one of voices against profiles, which
 * also takes out what rooms, lines and short pieces add; else what the bundle says of recordings, which promises more than
 * it holds for voices.
 */
export function voiceCalibrationFor(names: EmbeddingNames): ModelCalibration {
  const voices = (VOICES as unknown as Readonly<Record<string, VoiceCalibration | undefined>>)[names.modelWithPauses];
  if (!voices) return calibrationFor(names);
  const { nuisance, ...rest } = voices;
  const { embeddings, dim } = decodeVectors(nuisance, `the calibration of voices of ${names.modelWithPauses}`);
  const rows = Array.from({ length: embeddings.length / dim }, (_, i) => embeddings.subarray(i * dim, (i + 1) * dim));
  const [mean, ...directions] = rows;
  return { ...NOT_CALIBRATED, ...rest, nuisance: { mean: mean!, directions } };
}

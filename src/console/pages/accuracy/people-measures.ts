import { TimbreError, type Answer } from '../../../client/index.js';
import { aboutPeople, trialsOf } from '../../../evaluation/enrolled-trials.js';
import { calibrationFile, learnCalibration, type LearnedCalibration } from '../../../scoring/learn-calibration.js';
import type { CalibrationFile } from '../../../scoring/model-calibration.js';
import { measure, type Measures } from './measures.js';

/** Trials of the people who are enrolled, as the service tells them. */
export type EnrolledTrials = Answer<'getEnrolledTrials'>;

/** What is said of them; plain data, so that a worker can make it. */
export interface PeopleMeasures {
  /** On the evidence of the calibration, on cosines where there is none; null where there are not both kinds of trials. */
  measures: Measures | null;
  /** What was learned of them; null where nothing can be. */
  calibration: CalibrationFile | null;
  /** Why nothing can be learned. */
  why: string | null;
}

/** Learns a calibration as `timbre calibrate --from-service` does, and measures what it makes of the trials. */
export function measurePeople({ model, recordings, trials }: EnrolledTrials): PeopleMeasures {
  const { scores, speakers } = trialsOf(trials);
  const { labels } = scores;
  let learned: LearnedCalibration;
  try {
    const options = { norm: 'none', durations: false, recordings: true, balanced: false } as const;
    learned = learnCalibration(scores, speakers, options);
  } catch (error) {
    if (!(error instanceof TimbreError) || error.code !== 'INVALID_ARGUMENT') throw error;
    const bothKinds = labels.includes(0) && labels.includes(1);
    const measures = bothKinds ? measure({ scores: scores.scores, labels, name: 'cosine' }) : null;
    return { measures, calibration: null, why: error.message };
  }
  const { llrs, impostorTail, evidence } = learned;
  return {
    measures: {
      ...measure({ scores: llrs, labels, name: 'llr' }),
      // On what it was learned of, it is better than it is.
      cllr: null,
      heldOutCllr: evidence.crossValidatedCllr,
      tail: impostorTail,
    },
    calibration: calibrationFile(model, learned, aboutPeople(recordings, false)),
    why: null,
  };
}

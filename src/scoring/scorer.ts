import { TimbreError } from '../errors/timbre-error.js';
import { calibrate, looksAtDurations, probability, sideQuality, type SideMeasures } from '../evaluation/calibration.js';
import { cohortStatistics, normaliseScore, toUnit, type CohortStatistics } from '../evaluation/normalise.js';
import {
  DecisionPolicy,
  LEAST_MARGIN,
  requireRate,
  type OpenSetDecision,
  type ThresholdSource,
} from './decision-policy.js';
import { requiredAt, type DecisionRules } from './decision-rules.js';
import { scoreAtRate } from './impostor-tail.js';
import { calibrationOf, type ModelCalibration } from './model-calibration.js';
import { withoutNuisance } from './nuisance.js';

export type Decision = 'ACCEPT' | 'REJECT';

export interface Score {
  /** Cosine of the two embeddings, in [-1, 1]. */
  cosine: number;
  /** Natural log-likelihood ratio of "same speaker" to "different speakers"; null where the model is not calibrated. */
  llr: number | null;
  /** Probability of "same speaker" under the scorer's prior; null where the model is not calibrated. */
  probability: number | null;
  /**
   * The cosine that this pair had to reach; null where neither the model nor the caller names one. It is the same for
   * all pairs unless the calibration normalises scores or looks at durations.
   */
  threshold: number | null;
  /** Where the threshold is from; null without one. */
  thresholdFrom: ThresholdSource | null;
  /** The share of impostors that the threshold was set to accept; null where it was not learned. */
  falseAcceptRate: number | null;
  /** The rate lies beyond what the calibration's trials can show; null without a rate, or where that is not known. */
  extrapolated: boolean | null;
  /** Null without a threshold. */
  decision: Decision | null;
}

/** The answer to "is it one of these people, and whom?", with what it was decided by. */
export interface OpenSetAnswer {
  /** Null without a threshold. */
  decision: OpenSetDecision | null;
  /** The evidence that the first had to reach; null where decisions are not made on evidence. */
  thresholdLlr: number | null;
  /** False accepts per request; null where no rate was learned. */
  falseAcceptRate: number | null;
  /** The rate lies beyond what the calibration's trials can show; null without a rate. */
  extrapolated: boolean | null;
}

/** What has to be reached for the voice of a conversation to get somebody's name. */
export interface NameLimits {
  /** What evidence is counted in: natural log-likelihood ratios, or cosines where the caller named one. */
  on: 'llr' | 'cosine';
  /** For the nearest candidate. */
  threshold: number;
  /** By how much the nearest candidate has to lead everybody else. */
  margin: number;
  /** Evidence for two people of the gallery below which they are certainly not one. */
  different: number;
  /** False accepts per voice; null where a cosine was named. */
  falseAcceptRate: number | null;
  /** The rate lies beyond what the calibration's trials can show; null without a rate. */
  extrapolated: boolean | null;
}

/**
 * By how much a cosine has to lead where a cosine decides. On conversations of the prototype 0.1 named half as many
 * strangers as 0.05, for 3 % of enrolled people's speech.
 */
export const LEAST_COSINE_MARGIN = 0.1;

/** One side of a comparison, with what is worth computing once when it is compared often. */
export interface Side {
  unit: Float32Array;
  /** Null unless scores are normalised. */
  statistics: CohortStatistics | null;
  /** Seconds of speech behind the embedding. */
  seconds: number | undefined;
  /** Recordings that the embedding is the mean of. */
  recordings: number;
}

/** What is known of one side of a comparison, beside its embedding. */
export interface SideFacts {
  /** Seconds of speech behind the embedding; needed where the calibration looks at durations. */
  seconds?: number | undefined;
  /** Recordings that the embedding is the mean of. Default 1. */
  recordings?: number | undefined;
}

export interface ScorerOptions {
  /** From `readCalibrationFile`; takes the place of the bundle's. */
  calibration?: ModelCalibration;
  /**
   * The share of strangers that may be accepted, per comparison of two recordings and per request that identifies.
   * Between 1e-5 and 0.2 where the calibration knows how high strangers score, else one of its thresholds' rates.
   * Default 0.01.
   */
  falseAcceptRate?: number;
  /** A cosine that decides instead. Without it: the learned threshold, else the one of the model's publisher. */
  threshold?: number;
  /** Share of comparisons expected to be of the same speaker, for `probability`. Default 0.5. */
  prior?: number;
}

/** Scores pairs of embeddings of one model: cosine, calibrated evidence, decision. */
export class Scorer {
  private constructor(
    readonly calibration: ModelCalibration,
    /** What names the threshold; null where nothing does. */
    readonly thresholdFrom: ThresholdSource | null,
    private readonly options: { falseAcceptRate: number; threshold: number | undefined; prior: number },
  ) {}

  /** Errors: INVALID_ARGUMENT for options out of range, MODEL_INVALID for a manifest that contradicts itself. */
  static of(manifest: Readonly<Record<string, unknown>>, options: ScorerOptions = {}): Scorer {
    const { calibration = calibrationOf(manifest), falseAcceptRate = 0.01, threshold, prior = 0.5 } = options;
    if (!(prior > 0 && prior < 1)) {
      throw new TimbreError('INVALID_ARGUMENT', `the prior is ${prior}; it must lie between 0 and 1`);
    }
    if (threshold !== undefined && !(Math.abs(threshold) <= 1)) {
      throw new TimbreError('INVALID_ARGUMENT', `the threshold is ${threshold}; a cosine lies in [-1, 1]`);
    }
    requireKnownRate(calibration, falseAcceptRate);
    if (calibration.calibration && calibration.calibration.norm !== 'none' && !calibration.cohort) {
      throw new TimbreError('MODEL_INVALID', 'the calibration is of normalised scores, but there is no cohort');
    }
    const published = publishedThreshold(manifest);
    const [from, cosine] =
      threshold !== undefined
        ? (['option', threshold] as const)
        : calibration.thresholds.length > 0 || calibration.impostorTail
          ? (['calibration', undefined] as const)
          : ([published === undefined ? null : 'published', published] as const);
    return new Scorer(calibration, from, { falseAcceptRate, threshold: cosine, prior });
  }

  /**
   * The same, deciding at another rate of false accepts. Errors: INVALID_ARGUMENT for a rate out of range, for one that
   * the calibration has no threshold for, and where a cosine was named that decides whatever the rate.
   */
  at(falseAcceptRate: number): Scorer {
    if (this.thresholdFrom !== 'calibration') {
      const why =
        this.thresholdFrom === null
          ? 'no threshold was learned for this model (`timbre calibrate`)'
          : 'a cosine that was named decides here, at whatever rate that is';
      throw new TimbreError('INVALID_ARGUMENT', `a false acceptance rate cannot be chosen: ${why}`);
    }
    requireKnownRate(this.calibration, falseAcceptRate);
    return new Scorer(this.calibration, this.thresholdFrom, { ...this.options, falseAcceptRate });
  }

  /** What it decides by. */
  get rules(): DecisionRules {
    const { thresholds, impostorTail } = this.calibration;
    const { threshold, falseAcceptRate } = this.options;
    return { thresholdFrom: this.thresholdFrom, cosine: threshold ?? null, falseAcceptRate, thresholds, impostorTail };
  }

  /** Whether scores carry `llr` and `probability`. */
  get calibrated(): boolean {
    return this.calibration.calibration !== null;
  }

  /** Whether sides need their seconds of speech. */
  get needsSeconds(): boolean {
    const { calibration } = this.calibration;
    return calibration !== null && looksAtDurations(calibration);
  }

  /** Scores two embeddings, of any length above zero. Errors: MODEL_MISMATCH, INVALID_ARGUMENT. */
  score(a: Float32Array, b: Float32Array, of: { a?: SideFacts; b?: SideFacts } = {}): Score {
    return this.compare(this.side(a, of.a), this.side(b, of.b));
  }

  /**
   * Prepares an embedding for many comparisons; the embedding is not changed. Errors: INVALID_ARGUMENT for a number of
   * recordings below 1.
   */
  side(embedding: Float32Array, { seconds, recordings = 1 }: SideFacts = {}): Side {
    if (!(Number.isInteger(recordings) && recordings >= 1)) {
      throw new TimbreError('INVALID_ARGUMENT', `an embedding of ${recordings} recordings is nobody's`);
    }
    const { nuisance } = this.calibration;
    const unit = nuisance ? withoutNuisance(embedding, nuisance) : toUnit(Float32Array.from(embedding));
    const { norm = 'none', closest } = this.calibration.calibration ?? {};
    const statistics = norm === 'none' ? null : cohortStatistics(unit, this.calibration.cohort!, norm, closest);
    return { unit, statistics, seconds, recordings };
  }

  compare(a: Side, b: Side): Score {
    if (a.unit.length !== b.unit.length) {
      throw new TimbreError(
        'MODEL_MISMATCH',
        `embeddings of ${a.unit.length} and ${b.unit.length} dimensions are of different models`,
      );
    }
    let cosine = 0;
    for (let i = 0; i < a.unit.length; i++) cosine += a.unit[i]! * b.unit[i]!;
    cosine = Math.max(-1, Math.min(1, cosine));

    const evidence = this.evidence(a, b);
    const llr = evidence && evidence.offset + evidence.scale * cosine;
    const { falseAcceptRate, threshold: given } = this.options;
    const threshold = given ?? this.threshold(evidence);
    const promises = given === undefined && threshold !== null;
    return {
      cosine,
      llr,
      probability: llr === null ? null : probability(llr, this.options.prior),
      threshold,
      thresholdFrom: threshold === null ? null : this.thresholdFrom,
      falseAcceptRate: promises ? falseAcceptRate : null,
      extrapolated: promises ? this.extrapolated : null,
      decision: threshold === null ? null : cosine >= threshold ? 'ACCEPT' : 'REJECT',
    };
  }

  /**
   * Decides for whoever of `gallerySize` people is nearest: the threshold rises with the number of those who resemble the
   * recording, which the evidence for the second tells, so that a stranger is accepted at the scorer's rate whatever it is
   * (`DecisionPolicy`); without a second, all of them count. A threshold that the caller or the publisher named stays as it
   * is, and so does one of a calibration that does not know how high strangers score; no rate is promised then.
   * Errors: INVALID_ARGUMENT.
   */
  openSet(first: Score, second: Score | null, gallerySize: number): OpenSetAnswer {
    const { impostorTail } = this.calibration;
    const { threshold: given, falseAcceptRate } = this.options;
    if (given !== undefined || !impostorTail || first.llr === null) {
      return { decision: first.decision, thresholdLlr: null, falseAcceptRate: null, extrapolated: null };
    }
    const policy = new DecisionPolicy(impostorTail, falseAcceptRate);
    const threshold = policy.threshold(gallerySize, second?.llr);
    return {
      decision: policy.decide(first.llr, second?.llr ?? null, threshold),
      thresholdLlr: threshold.llr,
      falseAcceptRate,
      extrapolated: threshold.extrapolated,
    };
  }

  /**
   * What the voice of a conversation has to reach for a name among so many candidates, with the rate of false accepts per
   * voice, whatever their number; a cosine that the caller named stays as it is. The publisher's threshold, which is for
   * pairs of recordings, names nobody.
   * Errors: INVALID_ARGUMENT without a calibration that knows how high strangers score, and without such a cosine.
   */
  nameLimits(candidates: number): NameLimits {
    const { impostorTail, calibration, nameMargin: margin = LEAST_MARGIN } = this.calibration;
    const { threshold, falseAcceptRate } = this.options;
    if (this.thresholdFrom === 'option' && threshold !== undefined) {
      return {
        on: 'cosine',
        threshold,
        margin: LEAST_COSINE_MARGIN,
        different: threshold / 2,
        falseAcceptRate: null,
        extrapolated: null,
      };
    }
    if (!impostorTail || !calibration) {
      throw new TimbreError(
        'INVALID_ARGUMENT',
        'names need a calibration that knows how high strangers score (`timbre calibrate` makes one), or a cosine as threshold',
      );
    }
    const { llr, extrapolated } = new DecisionPolicy(impostorTail, falseAcceptRate).threshold(candidates);
    return { on: 'llr', threshold: llr, margin, different: 0, falseAcceptRate, extrapolated };
  }

  /** The line from cosine to llr for this pair: normalisation and durations only shift and stretch it. */
  private evidence(a: Side, b: Side): { offset: number; scale: number } | null {
    const { calibration } = this.calibration;
    if (!calibration) return null;
    const measures = ({ seconds, ...side }: Side): SideMeasures => ({
      seconds: this.needsSeconds ? requireSeconds(seconds) : 1,
      recordings: side.recordings,
    });
    const quality = sideQuality(measures(a), measures(b));
    const at = (cosine: number): number => {
      const score = a.statistics && b.statistics ? normaliseScore(cosine, a.statistics, b.statistics) : cosine;
      return calibrate(calibration, score, quality);
    };
    const offset = at(0);
    return { offset, scale: at(1) - offset };
  }

  /** Whether the rate lies beyond what the calibration's trials can show. */
  private get extrapolated(): boolean | null {
    const { impostorTail } = this.calibration;
    return impostorTail ? scoreAtRate(impostorTail, this.options.falseAcceptRate).extrapolated : null;
  }

  private threshold(evidence: { offset: number; scale: number } | null): number | null {
    const required = requiredAt({ ...this.calibration, cosine: null }, this.options.falseAcceptRate);
    if (!required || required.on === 'cosine') return required?.value ?? null;
    return evidence && (required.value - evidence.offset) / evidence.scale;
  }
}

function requireKnownRate({ thresholds, impostorTail }: ModelCalibration, rate: number): void {
  requireRate(rate);
  if (impostorTail || thresholds.length === 0 || thresholds.some((known) => known.falseAcceptRate === rate)) return;
  const known = thresholds.map((t) => t.falseAcceptRate).join(', ');
  throw new TimbreError(
    'INVALID_ARGUMENT',
    `no threshold was learned for a false acceptance rate of ${rate}; there are ones for ${known}, and ` +
      'any other needs a calibration made by this version',
  );
}

/** The cosine that the code of the model's publisher decides by; for models without learned thresholds. */
function publishedThreshold(manifest: Readonly<Record<string, unknown>>): number | undefined {
  const { cosine } = (manifest['publishedThreshold'] ?? {}) as { cosine?: unknown };
  if (cosine === undefined) return undefined;
  if (typeof cosine === 'number' && Math.abs(cosine) <= 1) return cosine;
  throw new TimbreError(
    'MODEL_INVALID',
    `the published threshold of ${String(manifest['id'])} is no cosine in [-1, 1]`,
  );
}

function requireSeconds(seconds: number | undefined): number {
  if (seconds === undefined) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      'the calibration looks at durations: give the seconds of speech of each side',
    );
  }
  return seconds;
}

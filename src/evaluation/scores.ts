import { TimbreError } from '../errors/timbre-error.js';

/**
 * Scored trials in descending order of score, the form every error rate here is computed from.
 *
 * A trial may weigh more than another: balanced rates give every speaker pair the same weight, the bootstrap gives a
 * trial as many as its speakers were drawn.
 */
export class ScoredTrials {
  /** Scores, descending. */
  readonly scores: Float64Array;
  /** 1 for a target trial (same speaker), 0 for an impostor trial, in the order of `scores`. */
  readonly targets: Uint8Array;
  /** Position of each sorted trial in the list it came from. */
  readonly order: Uint32Array;
  readonly targetCount: number;

  constructor(scores: ArrayLike<number>, labels: ArrayLike<number | boolean>) {
    if (scores.length !== labels.length) {
      throw new TimbreError('INVALID_ARGUMENT', `${scores.length} scores for ${labels.length} labels`);
    }
    for (let i = 0; i < scores.length; i++) {
      if (!Number.isFinite(scores[i])) throw new TimbreError('INVALID_ARGUMENT', `score ${i} is ${scores[i]}`);
    }
    const given = Float64Array.from(scores);
    this.order = Uint32Array.from(given, (_, i) => i).sort((a, b) => given[b]! - given[a]!);
    this.scores = Float64Array.from(this.order, (i) => given[i]!);
    this.targets = Uint8Array.from(this.order, (i) => (labels[i] ? 1 : 0));
    this.targetCount = this.targets.reduce((sum, target) => sum + target, 0);
  }

  get length(): number {
    return this.scores.length;
  }

  get impostorCount(): number {
    return this.length - this.targetCount;
  }

  /** Throws unless there are trials of both kinds: no error rate exists otherwise. */
  requireBothKinds(): void {
    if (this.targetCount === 0 || this.impostorCount === 0) {
      throw new TimbreError(
        'INVALID_ARGUMENT',
        `error rates need target and impostor trials; there are ${this.targetCount} and ${this.impostorCount}`,
      );
    }
  }
}

/** One operating point: accept scores of at least `threshold`. Rates are shares in [0, 1]. */
export interface OperatingPoint {
  threshold: number;
  /** False acceptance rate: impostor trials accepted. */
  far: number;
  /** False rejection rate: target trials rejected. */
  frr: number;
}

/**
 * Every distinct operating point from "reject all" (threshold infinity) to "accept all", trials of equal score moving
 * together.
 */
export function operatingPoints(trials: ScoredTrials, weights?: Float64Array): OperatingPoint[] {
  trials.requireBothKinds();
  const points: OperatingPoint[] = [];
  walk(trials, weights, (threshold, far, frr) => points.push({ threshold, far, frr }));
  return points;
}

/** Calls `visit` at every distinct operating point, thresholds descending. Weights are in the original order. */
export function walk(
  trials: ScoredTrials,
  weights: Float64Array | undefined,
  visit: (threshold: number, far: number, frr: number) => void,
): void {
  const { scores, targets, order, length } = trials;
  let targetTotal = 0;
  let impostorTotal = 0;
  for (let i = 0; i < length; i++) {
    const weight = weights ? weights[order[i]!]! : 1;
    if (targets[i]) targetTotal += weight;
    else impostorTotal += weight;
  }
  let accepted = 0;
  let falselyAccepted = 0;
  visit(Infinity, 0, 1);
  for (let i = 0; i < length;) {
    const score = scores[i]!;
    for (; i < length && scores[i] === score; i++) {
      const weight = weights ? weights[order[i]!]! : 1;
      if (targets[i]) accepted += weight;
      else falselyAccepted += weight;
    }
    visit(score, falselyAccepted / impostorTotal, 1 - accepted / targetTotal);
  }
}

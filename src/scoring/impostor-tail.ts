import { TimbreError } from '../errors/timbre-error.js';

/**
 * How the scores of strangers are distributed where decisions are made: which share of them lies above a score.
 *
 * Up to `start` the share is read from what was observed (`body`). Above it follows a generalised Pareto distribution
 * (Pickands, 1975): share above `start + x` = `share * (1 + shape * x / scale) ^ (-1 / shape)`, exponential where the
 * shape is 0. Scores are in the unit that the tail was fitted in, natural log-likelihood ratios as a rule.
 */
export interface ImpostorTail {
  /** Where the tail begins. */
  start: number;
  /** Share of impostor scores above `start`, in (0, 1). */
  share: number;
  /** Of the Pareto distribution, above 0, in the unit of the scores. */
  scale: number;
  /** Of the Pareto distribution: negative where scores end, 0 exponential, positive where they are heavy-tailed. */
  shape: number;
  /** Observed points below the tail, `[share above, score]`, by falling share. */
  body: [share: number, score: number][];
  /** The smallest share that the impostor trials can show; below it the tail is extrapolated. */
  leastRate: number;
}

/** Rates that a caller may ask for: false accepts per request. */
export const RATE_BOUNDS = { least: 1e-5, most: 0.2 } as const;

/** Share of the impostors that are the tail, where nothing else is said. */
const TAIL_SHARE = 0.05;
const BODY_SHARES = [0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03] as const;
/** A point of the body lies as far above the tail's share as this, at least. */
const LEAST_STEP = 1.2;
/** Fewer scores than that in the tail say nothing of its shape. */
const LEAST_IN_TAIL = 25;
/** Outside of it the moments that the fit uses are unstable. */
const SHAPES = { least: -0.5, most: 0.5 };
/** Independent impostors that have to lie above a score before its share is more than chance. */
const LEAST_ABOVE = 5;

export interface TailOptions {
  /** One a trial; without, all the same. */
  weights?: ArrayLike<number>;
  /** How many independent trials each stands for, for `leastRate`: its part of a pair of speakers. Without, one each. */
  counts?: ArrayLike<number>;
  /** Share of the impostors that are the tail. */
  tailShare?: number;
}

/**
 * Fits the tail of impostor scores by probability-weighted moments (Hosking and Wallis, 1987).
 *
 * @param scores of impostor trials
 * Errors: INVALID_ARGUMENT where there are too few impostors.
 */
export function fitImpostorTail(
  scores: ArrayLike<number>,
  { weights, counts, tailShare = TAIL_SHARE }: TailOptions = {},
): ImpostorTail {
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  const weightOf = (i: number): number => (weights ? weights[i]! : 1);
  let total = 0;
  for (const i of order) total += weightOf(i);

  let above = 0;
  let count = 0;
  while (count < order.length && above + weightOf(order[count]!) <= tailShare * total) {
    above += weightOf(order[count++]!);
  }
  if (count < LEAST_IN_TAIL || count === order.length) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `${order.length} impostor trials are too few to know how high strangers score: the upper ${100 * tailShare} %, as they are ` +
        `weighed, are ${count} of them, and ${LEAST_IN_TAIL} are needed`,
    );
  }
  const start = scores[order[count]!]!;

  // Mean excess, and mean of the excess times the share of the tail above it.
  let mean = 0;
  let moment = 0;
  let passed = 0;
  for (let k = 0; k < count; k++) {
    const weight = weightOf(order[k]!) / above;
    const excess = scores[order[k]!]! - start;
    mean += weight * excess;
    moment += weight * excess * (passed + weight / 2);
    passed += weight;
  }
  if (!(mean > 0)) {
    throw new TimbreError('INVALID_ARGUMENT', 'the highest impostor trials all have one score; they show no tail');
  }
  const shape = Math.min(SHAPES.most, Math.max(SHAPES.least, 2 - mean / (mean - 2 * moment)));
  return {
    start,
    share: above / total,
    // The mean excess of the distribution is scale / (1 - shape).
    scale: mean * (1 - shape),
    shape,
    body: body(scores, order, weightOf, total, { share: above / total, start }),
    leastRate: leastRate(order, weightOf, total, counts),
  };
}

/** The share above the score that so many independent impostors reach. */
function leastRate(
  order: Uint32Array,
  weightOf: (i: number) => number,
  total: number,
  counts: ArrayLike<number> | undefined,
): number {
  let passed = 0;
  let count = 0;
  for (const i of order) {
    passed += weightOf(i);
    count += counts ? counts[i]! : 1;
    // Sums of parts of a pair fall short of a whole number by rounding.
    if (count >= LEAST_ABOVE * (1 - 1e-9)) return passed / total;
  }
  return 1;
}

function body(
  scores: ArrayLike<number>,
  order: Uint32Array,
  weightOf: (i: number) => number,
  total: number,
  { share: tailShare, start }: Pick<ImpostorTail, 'share' | 'start'>,
): [number, number][] {
  const points: [number, number][] = [];
  let passed = 0;
  let k = 0;
  for (const share of BODY_SHARES.filter((one) => one > LEAST_STEP * tailShare).reverse()) {
    while (k < order.length - 1 && passed + weightOf(order[k]!) <= share * total) passed += weightOf(order[k++]!);
    const score = Math.min(scores[order[k]!]!, points.at(-1)?.[1] ?? start);
    points.push([share, score]);
  }
  return points.reverse();
}

/** The share of strangers who score at least `score`. */
export function impostorShare(tail: ImpostorTail, score: number): number {
  const { start, share, scale, shape } = tail;
  if (score >= start) {
    const x = (score - start) / scale;
    if (Math.abs(shape) < 1e-9) return share * Math.exp(-x);
    const base = 1 + shape * x;
    return base <= 0 ? 0 : share * base ** (-1 / shape);
  }
  const points: [number, number][] = [...tail.body, [share, start]];
  const [first] = points;
  if (score < first![1]) return first![0];
  const upper = points.findIndex(([, at]) => at >= score);
  return between(points[upper - 1] ?? points[upper]!, points[upper]!, score);
}

/** The share between two observed points, linear in its logarithm. */
function between([shareLow, low]: [number, number], [shareHigh, high]: [number, number], score: number): number {
  if (!(high > low)) return shareHigh;
  const part = (score - low) / (high - low);
  return Math.exp(Math.log(shareLow) + part * (Math.log(shareHigh) - Math.log(shareLow)));
}

/**
 * The score that a share `rate` of strangers reaches.
 * `extrapolated`: the trials were too few to show that rate, the tail was followed beyond them.
 */
export function scoreAtRate(tail: ImpostorTail, rate: number): { score: number; extrapolated: boolean } {
  const { start, share, scale, shape } = tail;
  if (rate <= share) {
    const ratio = share / rate;
    const x = Math.abs(shape) < 1e-9 ? Math.log(ratio) : (ratio ** shape - 1) / shape;
    return { score: start + scale * x, extrapolated: rate < tail.leastRate };
  }
  const points: [number, number][] = [...tail.body, [share, start]];
  const next = points.findIndex(([at]) => at <= rate);
  if (next <= 0) return { score: points[0]![1], extrapolated: rate > points[0]![0] };
  const [shareLow, low] = points[next - 1]!;
  const [shareHigh, high] = points[next]!;
  const part = (Math.log(shareLow) - Math.log(rate)) / (Math.log(shareLow) - Math.log(shareHigh));
  return { score: low + part * (high - low), extrapolated: false };
}

/** Reads a tail out of a manifest or a calibration file. Errors: MODEL_INVALID. */
export function parseImpostorTail(value: unknown, where: string): ImpostorTail {
  const { start, share, scale, shape, body: points, leastRate } = (value ?? {}) as Partial<ImpostorTail>;
  const shares = (x: unknown): boolean => typeof x === 'number' && x > 0 && x < 1;
  const sound =
    Number.isFinite(start) &&
    shares(share) &&
    Number.isFinite(scale) &&
    scale! > 0 &&
    Number.isFinite(shape) &&
    Math.abs(shape!) <= 1 &&
    typeof leastRate === 'number' &&
    leastRate > 0 &&
    Array.isArray(points) &&
    points.every(
      (point, i) =>
        Array.isArray(point) &&
        shares(point[0]) &&
        Number.isFinite(point[1]) &&
        point[0] > (points[i + 1]?.[0] ?? share!) &&
        point[1] <= (points[i + 1]?.[1] ?? start!),
    );
  if (!sound) {
    throw new TimbreError(
      'MODEL_INVALID',
      `the impostor tail in ${where} is not of the form { start, share, scale, shape, body: [[share, score]], leastRate }`,
    );
  }
  return { start: start!, share: share!, scale: scale!, shape: shape!, body: points, leastRate };
}

/** A pair of speakers, by number; equal for a target trial. */
export interface TrialSpeakers {
  a: Uint32Array;
  b: Uint32Array;
  /** Number of distinct speakers. */
  count: number;
}

/** Numbers the speakers of every trial. */
export function numberSpeakers(a: readonly string[], b: readonly string[]): TrialSpeakers {
  const numbers = new Map<string, number>();
  const number = (speaker: string): number => {
    let known = numbers.get(speaker);
    if (known === undefined) numbers.set(speaker, (known = numbers.size));
    return known;
  };
  return { a: Uint32Array.from(a, number), b: Uint32Array.from(b, number), count: numbers.size };
}

/** Weights under which every pair of speakers counts the same, whatever its number of trials. */
export function pairBalancedWeights(speakers: TrialSpeakers): Float64Array {
  const key = (i: number): number => {
    const [low, high] = [Math.min(speakers.a[i]!, speakers.b[i]!), Math.max(speakers.a[i]!, speakers.b[i]!)];
    return low * speakers.count + high;
  };
  const trials = new Map<number, number>();
  for (let i = 0; i < speakers.a.length; i++) trials.set(key(i), (trials.get(key(i)) ?? 0) + 1);
  return Float64Array.from(speakers.a, (_, i) => 1 / trials.get(key(i))!);
}

/**
 * Weights under which every source counts the same in sum, target and impostor trials apart, and a source's trials among
 * each other as `own` says.
 */
export function evenWeights(
  sources: ArrayLike<number>,
  labels: ArrayLike<number>,
  own?: ArrayLike<number>,
): Float64Array {
  const weightOf = (i: number): number => (own ? own[i]! : 1);
  const kind = (i: number): number => 2 * sources[i]! + (labels[i] ? 1 : 0);
  const sums = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) sums.set(kind(i), (sums.get(kind(i)) ?? 0) + weightOf(i));
  return Float64Array.from({ length: labels.length }, (_, i) => weightOf(i) / sums.get(kind(i))!);
}

/** A seeded generator (mulberry32), uniform in [0, 1): draws are the same on every machine. */
export function seededUniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * 95 % interval of a statistic by drawing speakers with replacement (trials of one speaker are not independent, so
 * drawing trials would flatter). A target trial counts as often as its speaker was drawn, an impostor trial as often
 * as its pair was.
 */
export function bootstrapInterval(
  speakers: TrialSpeakers,
  statistic: (weights: Float64Array) => number,
  options: { weights?: Float64Array; draws?: number; seed?: number } = {},
): [low: number, high: number] {
  const { draws = 400, seed = 1 } = options;
  const uniform = seededUniform(seed);
  const values: number[] = [];
  const drawn = new Uint32Array(speakers.count);
  const weights = new Float64Array(speakers.a.length);
  for (let draw = 0; draw < draws; draw++) {
    drawn.fill(0);
    for (let i = 0; i < speakers.count; i++) drawn[Math.floor(uniform() * speakers.count)]!++;
    for (let i = 0; i < weights.length; i++) {
      const a = speakers.a[i]!;
      const b = speakers.b[i]!;
      const count = a === b ? drawn[a]! : drawn[a]! * drawn[b]!;
      weights[i] = count * (options.weights ? options.weights[i]! : 1);
    }
    const value = statistic(weights);
    // A draw without target or without impostor trials has no rate.
    if (Number.isFinite(value)) values.push(value);
  }
  values.sort((x, y) => x - y);
  const at = (share: number): number => values[Math.round(share * (values.length - 1))] ?? NaN;
  return [at(0.025), at(0.975)];
}

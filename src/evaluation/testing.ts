/** Scores with known error rates, for the specs of this folder. */

/** `count` points that divide N(mean, deviation) into equal shares: a sample without luck. */
export function gaussianQuantiles(count: number, mean: number, deviation = 1): number[] {
  return Array.from({ length: count }, (_, i) => mean + deviation * normalQuantile((i + 0.5) / count));
}

/** Standard normal distribution function, by Simpson's rule over its density. */
export function normalCdf(x: number): number {
  const steps = 2000;
  const width = x / steps;
  const density = (t: number): number => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
  let sum = density(0) + density(x);
  for (let i = 1; i < steps; i++) sum += (i % 2 === 1 ? 4 : 2) * density(i * width);
  return 0.5 + (sum * width) / 3;
}

/** Inverse of the standard normal distribution function. */
export function normalQuantile(p: number): number {
  // Acklam's rational approximation, relative error below 1.2e-9.
  const a = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ];
  const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572];
  const c = [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];
  const polynomial = (k: number[], x: number): number => k.reduce((sum, coefficient) => sum * x + coefficient, 0);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return polynomial(c, q) / (polynomial(d, q) * q + 1);
  }
  if (p > 1 - 0.02425) return -normalQuantile(1 - p);
  const q = p - 0.5;
  return (polynomial(a, q * q) * q) / (polynomial(b, q * q) * q * q + 1);
}

/** Labels for `targets` scores followed by `impostors` scores. */
export function labelled(
  targets: readonly number[],
  impostors: readonly number[],
): { scores: number[]; labels: number[] } {
  return { scores: [...targets, ...impostors], labels: [...targets.map(() => 1), ...impostors.map(() => 0)] };
}

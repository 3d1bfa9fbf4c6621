import { probit } from '../../../evaluation/probit.js';
import type { Curve } from './measures.js';

/** Rates at the axes. */
export const DET_RATES = [0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4];

/** What the axes end at: rarer errors, and more frequent ones, stand at the edge. */
const BOUNDS = { least: 0.0005, most: 0.5 };

/** Points closer than that do not show, as normal deviates. */
const APART = 0.004;

/** What is drawn of a curve, as normal deviates. */
export interface DetPoints {
  x: number[];
  y: number[];
  /** Positions of the curve. */
  positions: number[];
}

/** A rate on an axis, within its bounds. */
export function deviate(rate: number): number {
  return probit(Math.min(BOUNDS.most, Math.max(BOUNDS.least, rate)));
}

/** The points of a curve that can be told apart, by rising rate of false acceptances. */
export function detPoints({ far, frr }: Curve): DetPoints {
  const points: DetPoints = { x: [], y: [], positions: [] };
  for (let i = 0; i < far.length; i++) {
    const [x, y] = [deviate(far[i]!), deviate(frr[i]!)];
    const before = points.x.length - 1;
    if (before >= 0 && Math.hypot(x - points.x[before]!, y - points.y[before]!) < APART) continue;
    points.x.push(x);
    points.y.push(y);
    points.positions.push(i);
  }
  return points;
}

/** The position of the curve that is nearest to a place of the plot. */
export function nearestPosition({ x, y, positions }: DetPoints, atX: number, atY: number): number {
  let best = 0;
  let least = Infinity;
  for (let i = 0; i < x.length; i++) {
    const distance = Math.hypot(x[i]! - atX, y[i]! - atY);
    if (distance >= least) continue;
    least = distance;
    best = i;
  }
  return positions[best]!;
}

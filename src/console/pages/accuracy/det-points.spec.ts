import { expect, test } from '@jest/globals';
import { probit } from '../../../evaluation/probit.js';
import { detPoints, deviate, nearestPosition } from './det-points.js';

/** A thousand points on the line on which both errors sum up to one half. */
const far = Float64Array.from({ length: 1001 }, (_, i) => (i / 1000) * 0.5);
const curve = { thresholds: far.map((value) => 1 - value), far, frr: far.map((value) => 0.5 - value) };

test('a curve is drawn by the points that can be told apart, each where its rates are', () => {
  const points = detPoints(curve);
  expect(points.x.length).toBeLessThan(1001);
  expect(points.x).toEqual([...points.x].sort((a, b) => a - b));
  points.positions.forEach((position, i) => {
    expect([points.x[i], points.y[i]]).toEqual([deviate(curve.far[position]!), deviate(curve.frr[position]!)]);
  });
  // None that is left out is far from one that is drawn.
  const gaps = points.x.slice(1).map((x, i) => Math.hypot(x - points.x[i]!, points.y[i + 1]! - points.y[i]!));
  expect(Math.max(...gaps.slice(5, -5))).toBeLessThan(0.1);
  // At the edges of the plot.
  expect([points.x[0], points.y[0]]).toEqual([deviate(0), deviate(0.5)]);
  expect(deviate(0)).toBe(probit(0.0005));
  expect(deviate(1)).toBe(0);
});

test('the point goes to where the curve is nearest', () => {
  const points = detPoints(curve);
  expect(Math.abs(nearestPosition(points, probit(0.1), probit(0.4)) - 200)).toBeLessThan(4);
  const position = nearestPosition(points, probit(0.2), probit(0.2));
  expect(Math.abs(curve.far[position]! - 0.25)).toBeLessThan(0.002);
  expect(nearestPosition(points, -100, 100)).toBe(0);
});

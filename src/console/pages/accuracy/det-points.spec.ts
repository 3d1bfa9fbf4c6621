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
  const at = points.positions.indexOf(500);
  expect([points.x[at], points.y[at]]).toEqual([probit(0.25), probit(0.25)]);
  // At the edges of the plot.
  expect([points.x[0], points.y[0]]).toEqual([deviate(0), deviate(0.5)]);
  expect(deviate(0)).toBe(probit(0.0005));
  expect(deviate(1)).toBe(0);
});

test('the point goes to where the curve is nearest', () => {
  const points = detPoints(curve);
  expect(nearestPosition(points, probit(0.1), probit(0.4))).toBe(200);
  const position = nearestPosition(points, probit(0.2), probit(0.2));
  expect(Math.abs(curve.far[position]! - 0.25)).toBeLessThan(0.002);
  expect(nearestPosition(points, -100, 100)).toBe(0);
});

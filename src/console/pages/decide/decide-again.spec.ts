import { describe, expect, test } from '@jest/globals';
import { Scorer } from '../../../scoring/scorer.js';
import type { ModelCalibration } from '../../../scoring/model-calibration.js';
import { identifyAgain, verifyAgain } from './decide-again.js';

const calibration: ModelCalibration = {
  calibration: { offset: -4, scale: 14, quality: {}, norm: 'none' },
  thresholds: [{ falseAcceptRate: 0.01, cosine: 0.52, llr: 3.28 }],
  impostorTail: {
    start: 0.5,
    share: 0.05,
    scale: 0.9,
    shape: 0.05,
    body: [
      [0.5, -3],
      [0.1, -0.4],
    ],
    leastRate: 1e-4,
  },
  cohort: null,
};
const service = Scorer.of({}, { calibration, falseAcceptRate: 0.001 });
const RATES = [1e-5, 1e-4, 0.001, 0.01, 0.03, 0.2];

/** Two vectors of this cosine. */
function pair(cosine: number): [Float32Array, Float32Array] {
  return [Float32Array.of(1, 0), Float32Array.of(cosine, Math.sqrt(1 - cosine * cosine))];
}

describe('deciding again', () => {
  test('a claim: as the service does at every rate, on what it has told', () => {
    const decisions = new Set<unknown>();
    for (let cosine = -0.2; cosine < 1; cosine += 0.03) {
      for (const rate of RATES) {
        const told = service.score(...pair(cosine));
        const { decision } = verifyAgain(service.rules, rate, told);
        expect([cosine, rate, decision]).toEqual([cosine, rate, service.at(rate).score(...pair(cosine)).decision]);
        decisions.add(decision);
      }
    }
    expect(decisions).toEqual(new Set(['ACCEPT', 'REJECT']));
  });

  test('who it is: as the service does at every rate and for however many people', () => {
    const decisions = new Set<unknown>();
    for (let cosine = 0; cosine < 1; cosine += 0.05) {
      for (const gap of [0, 0.1, 0.4]) {
        for (const size of [2, 50, 10_000]) {
          for (const rate of RATES) {
            const [first, second] = [service.score(...pair(cosine)), service.score(...pair(cosine - gap))];
            const ranking = [{ score: first }, { score: second }];
            const { decision, threshold } = identifyAgain(service.rules, rate, ranking, size);
            const answer = service.at(rate).openSet(first, second, size);
            expect([decision, threshold]).toEqual([answer.decision, answer.thresholdLlr]);
            decisions.add(decision);
          }
        }
      }
    }
    expect(decisions).toEqual(new Set(['ACCEPT', 'REJECT', 'AMBIGUOUS']));
  });

  test('is left open where the service has not told the evidence', () => {
    expect(identifyAgain(service.rules, 0.01, [], 5)).toMatchObject({ decision: null, threshold: expect.any(Number) });
    expect(
      verifyAgain({ ...service.rules, impostorTail: null, thresholds: [] }, 0.01, { cosine: 1, llr: 9 }),
    ).toMatchObject({
      decision: null,
    });
  });
});

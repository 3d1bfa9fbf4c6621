import { expect, test } from '@jest/globals';
import { Scorer } from './scorer.js';
import { voiceCalibrationFor } from './voice-calibration.js';
import { VOICES } from './voice-calibration.data.js';

const names = (modelWithPauses: string) => ({
  model: 'm',
  modelWithPauses,
  pauses: 'cut' as const,
  manifest: { id: 'm' },
});

test.each(Object.keys(VOICES))('voices of %s have a calibration, a tail and what is taken out of them', (model) => {
  const calibration = voiceCalibrationFor(names(model));
  const { mean, directions } = calibration.nuisance!;
  for (const [i, one] of directions.entries()) {
    for (const [j, other] of directions.entries()) {
      const product = one.reduce((sum, value, k) => sum + value * other[k]!, 0);
      expect(product).toBeCloseTo(i === j ? 1 : 0, 2);
    }
  }
  const scorer = Scorer.of({ id: 'm' }, { calibration, falseAcceptRate: 0.1 });
  const limits = [1, 10, 100].map((candidates) => scorer.nameLimits(candidates));
  expect(limits.map(({ threshold }) => threshold)).toEqual(
    limits.map(({ threshold }) => threshold).sort((a, b) => a - b),
  );
  expect(limits[0]).toMatchObject({ on: 'llr', falseAcceptRate: 0.1, margin: calibration.nameMargin });
  const voice = mean.map((value, i) => value + Math.sin(i));
  expect(scorer.score(voice, voice).llr).toBeGreaterThan(limits[2]!.threshold);
});

test('voices of other models have what the bundle says', () => {
  expect(voiceCalibrationFor(names('other@000000000000'))).toMatchObject({ calibration: null, impostorTail: null });
});

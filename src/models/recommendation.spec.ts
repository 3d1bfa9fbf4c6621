import { expect, test } from '@jest/globals';
import { recommendedInsteadOf } from './recommendation.js';
import { publishedModel } from './registry.js';

test('what is recommended instead of the bundled model can be pulled by the command that is told', () => {
  const better = recommendedInsteadOf('starter');
  expect(publishedModel(better!.model).name).toBe(better!.model);
  expect(better!.command).toBe(`timbre models pull ${better!.model}`);
});

test('nothing is recommended instead of another model, and not instead of what was recommended', () => {
  expect(recommendedInsteadOf('mine')).toBeNull();
  expect(recommendedInsteadOf(recommendedInsteadOf('starter')!.model)).toBeNull();
});

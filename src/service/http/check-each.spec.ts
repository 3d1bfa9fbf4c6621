import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { Steps } from '../../support/steps.js';
import { checkEach } from './check-each.js';

test('others have their turns while a long list is checked', async () => {
  let turns = 0;
  const others = setInterval(() => turns++, 0);
  const list = Array.from({ length: 100_000 }, (_, i) => ({ speakerId: `s${i}`, path: '/a.wav' }));
  const schema = z.strictObject({ speakerId: z.string().max(100), path: z.string().max(4096) });
  expect(await checkEach('items', list, schema, list.length, new Steps())).toEqual(list);
  clearInterval(others);
  expect(turns).toBeGreaterThan(1);
});

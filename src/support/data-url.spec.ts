import { expect, test } from '@jest/globals';
import { isDataUrl, withoutDataUrls } from './data-url.js';

test('a data: URL is known by its scheme', () => {
  for (const text of ['data:,', 'data:audio/wav;base64,AAAA', ' DATA:audio/webm;codecs=opus;base64,AAAA']) {
    expect(isDataUrl(text)).toBe(true);
  }
  for (const text of ['data', 'data/a.wav', './data:a.wav', '']) expect(isDataUrl(text)).toBe(false);
});

test('what it holds is left out of a message', () => {
  const url = `data:audio/wav;base64,${'UklGR'.repeat(1000)}==`;
  expect(withoutDataUrls(`cannot read '${url}': it is too long`)).toBe("cannot read 'data:...': it is too long");
  expect(withoutDataUrls('the folder data: is empty, and so is data/')).toBe(
    'the folder data: is empty, and so is data/',
  );
});

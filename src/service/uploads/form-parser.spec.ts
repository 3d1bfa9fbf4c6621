import { expect, test } from '@jest/globals';
import { Writable } from 'node:stream';
import { Steps } from '../../support/steps.js';
import { FormParser, type FormReceiver } from './form-parser.js';

test('others have their turns while a form of many small parts is parsed, though it comes at once', async () => {
  const failing = new AbortController();
  let files = 0;
  const receiver: FormReceiver = {
    file: () => {
      files++;
      return new Writable({ write: (_chunk, _encoding, done) => done() });
    },
    tooLong: () => {
      throw new Error('no part is long');
    },
    field: () => undefined,
    fail: (error) => failing.abort(error),
  };
  const headers = { 'content-type': 'multipart/form-data; boundary=x' };
  const bounds = { fields: ['audio'], json: {}, maxFiles: 3000, maxFileBytes: 1000 };
  const parser = new FormParser(headers, bounds, receiver, new Steps(), failing.signal);
  let turns = 0;
  const others = setInterval(() => turns++, 0);
  const part = '--x\r\ncontent-disposition: form-data; name="audio"; filename="a.wav"\r\n\r\nRIFF\r\n';
  await parser.take(Buffer.from(`${part.repeat(bounds.maxFiles)}--x--\r\n`));
  clearInterval(others);
  await parser.end();
  expect(files).toBe(bounds.maxFiles);
  expect(turns).toBeGreaterThan(1);
});

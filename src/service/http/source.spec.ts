import { expect, test } from '@jest/globals';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sourceOf } from './source.js';

test('Who has no key is the address that the request comes from, whatever its headers say of others.', async () => {
  const sources = new Set<string>();
  const server = createServer((request, response) => {
    sources.add(sourceOf(request));
    response.end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const claims = ['x-forwarded-for', 'x-real-ip', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip'].map(
    (name, i): Record<string, string> => ({ [name]: `198.51.100.${i + 1}` }),
  );
  for (const headers of [{}, { forwarded: 'for=198.51.100.9' }, ...claims]) {
    await fetch(`http://127.0.0.1:${port}/`, { headers });
  }
  await new Promise((done) => server.close(done));
  expect([...sources]).toEqual([expect.stringMatching(/^address 127\.0\.0\.1/)]);
});

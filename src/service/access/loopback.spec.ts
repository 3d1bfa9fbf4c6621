import { describe, expect, test } from '@jest/globals';
import type { AddressInfo } from 'node:net';
import { isLoopback, listensOnLoopback, resolvesToLoopback } from './loopback.js';

describe('only this machine reaches', () => {
  test.each(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])('%s', (address) => {
    expect(isLoopback(address)).toBe(true);
  });

  test.each(['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', '::ffff:10.0.0.1', 'fe80::1'])('not %s', (address) => {
    expect(isLoopback(address)).toBe(false);
  });

  test('a name by what it resolves to', async () => {
    expect(await resolvesToLoopback('localhost')).toBe(true);
    expect(await resolvesToLoopback('0.0.0.0')).toBe(false);
  });

  test('a socket in the file system, and a server that does not listen', () => {
    expect(listensOnLoopback('/run/timbre.sock')).toBe(true);
    expect(listensOnLoopback(null)).toBe(true);
    expect(listensOnLoopback({ address: '::', family: 'IPv6', port: 1 } satisfies AddressInfo)).toBe(false);
  });
});

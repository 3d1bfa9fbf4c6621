import { describe, expect, test } from '@jest/globals';
import { addressesOf, isPublic, requirePublic } from './public-address.js';

describe('a public address', () => {
  test.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450:4001::200e'])(
    'is %s',
    (address) => {
      expect(isPublic(address)).toBe(true);
    },
  );

  test.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.31.255.255',
    '192.168.1.1',
    '198.19.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    'fe80::1',
    'fd00::1',
    'ff02::1',
    '2001:db8::1',
    '2002:7f00:1::',
    'localhost',
    '',
  ])('is not %j', (address) => {
    expect(isPublic(address)).toBe(false);
  });

  test.each([
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://017700000001/',
    'http://[::ffff:7f00:1]/',
  ])('is not that of %s, however it is written', async (url) => {
    const { hostname } = new URL(url);
    const addresses = await addressesOf(hostname);
    expect(() => requirePublic(hostname, addresses)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  test('is not that of a name with one private address among others', () => {
    expect(() => requirePublic('rebinding.example', ['8.8.8.8', '10.0.0.1'])).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('rebinding.example'),
      }),
    );
  });
});

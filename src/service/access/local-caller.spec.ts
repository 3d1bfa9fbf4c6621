import { expect, test } from '@jest/globals';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { checkLocalCaller } from './local-caller.js';

/** A request without anything that a proxy or a page adds; no address: over a socket in the file system. */
function requestFrom(address: string | undefined): IncomingMessage {
  const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: address });
  return Object.assign(new IncomingMessage(socket), { httpVersion: '1.1', headers: { host: '127.0.0.1:3000' } });
}

test.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1', undefined])('%s is this machine', (address) => {
  expect(() => checkLocalCaller(requestFrom(address))).not.toThrow();
});

// A rule of the firewall brings them to a port that is bound to loopback.
test.each(['203.0.113.9', '10.0.0.5', '2001:db8::1', '::ffff:203.0.113.9', ''])(
  '%s is another machine, though the request is for this one',
  (address) => {
    expect(() => checkLocalCaller(requestFrom(address))).toThrow('comes from another machine');
  },
);

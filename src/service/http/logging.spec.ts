import { describe, expect, test } from '@jest/globals';
import { Writable } from 'node:stream';
import { newApiKey } from '../access/api-key.js';
import { createLog, NestLog } from './logging.js';

describe('the log', () => {
  const { text } = newApiKey({ name: 'x', scopes: ['admin'] }, new Date());
  const secret = text.slice('tmb_0123456789ab_'.length);

  function logged(write: (log: NestLog) => void): string {
    let lines = '';
    write(new NestLog(createLog('trace', { write: (line) => (lines += line) })));
    return lines;
  }

  test.each<[string, (log: NestLog) => void]>([
    ['in a message', (log) => log.log(`authorised by ${text}.`)],
    ['in an object', (log) => log.warn({ requestId: 'x', detail: { list: [`Bearer ${text}`] }, msg: 'hello' })],
    ['in an error', (log) => log.error({ err: new Error(`no key ${text}`), msg: 'failed' })],
    ['in a stack', (log) => log.error(new Error(text))],
  ])('holds no key %s', (_, write) => {
    const lines = logged(write);
    expect(lines).toContain(`${text.slice(0, -secret.length)}[Redacted]`);
    expect(lines).not.toContain(secret);
    for (const line of lines.trimEnd().split('\n')) JSON.parse(line);
  });

  test('holds no credentials of other kinds where a request is logged', () => {
    const headers = { authorization: 'Basic c2VjcmV0', 'x-api-key': 'c2VjcmV0', cookie: 'c2VjcmV0', accept: '*/*' };
    const lines = logged((log) => log.log({ headers, req: { headers }, ...headers, msg: 'a request' }));
    expect(lines).not.toContain('c2VjcmV0');
    expect(lines).toContain('*/*');
  });

  test('holds no key on a terminal', () => {
    let lines = '';
    const terminal = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines += chunk.toString();
        done();
      },
    });
    createLog('info', Object.assign(terminal, { isTTY: true })).info(`hello ${text}`);
    expect(lines).toContain('hello');
    expect(lines).not.toContain(secret);
  });
});

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FileLock } from '../../src/models/lock.js';
import { createLog } from '../../src/service/http/logging.js';
import { timbre } from '../cli/support.js';
import { entriesBelow, unlessGone } from '../files.js';
import { TestService, wav, Workshop } from '../e2e/support.js';

/** What others wrote goes to terminals, logs and files without doing anything there. */

const EVIL = '\u001b]0;owned\u0007\u001b[2J\u009b31m';

let workshop: Workshop;
let service: TestService;

beforeAll(async () => {
  workshop = await Workshop.open();
  service = await TestService.start(workshop, { model: await workshop.bundle(), logLevel: 'trace' });
  await service.service.ready();
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

// eslint-disable-next-line no-control-regex -- these are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

test('a name that was stored moves no cursor of whoever lists it', async () => {
  await service.postJson('/v1/speakers', { id: 'ada' });
  await service.postForm('/v1/speakers/ada/enrollments', [['audio', wav(3), `${EVIL}.wav`]]);
  const session = await service.call('/v1/training-sessions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ items: [{ speakerId: 'ada', path: `/nowhere/${EVIL}.wav` }] }),
  });
  const { id } = session.body as { id: string };
  for (const words of [
    ['speakers', 'show', 'ada'],
    ['speakers', 'list'],
    ['speakers', 'export', 'ada'],
    ['jobs', 'show', id],
    ['jobs', 'show', id, '--json'],
    ['speakers', 'show', `no-such-${EVIL}`],
  ]) {
    const { stdout, stderr } = await timbre([...words, '--url', service.url], { env: service.env });
    expect([words, stdout, CONTROLS.test(stdout), CONTROLS.test(stderr)]).toEqual([words, stdout, false, false]);
  }
});

test('no line of the log holds more than 80 characters of a path or of what a client sent', async () => {
  const long = 'l'.repeat(3000);
  await service.call(`/v1/speakers/${long}`);
  await service.call(`/nowhere/${long}?q=${long}`);
  await service.postJson('/v1/speakers', { id: long, [long]: long });
  await service.postForm('/v1/embeddings', [['audio', Buffer.from(long), `${long}.wav`]]);
  await service.call('/v1/info', { headers: { 'x-request-id': long, 'x-api-key': `tmb_${long}` } });
  await fetch(`${service.service.sidecarUrl}/extract-embedding`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ audio_path: `/${long}` }),
  });
  expect(service.log.length).toBeGreaterThan(5);
  for (const line of service.log) expect(JSON.stringify(line)).not.toMatch(/l{82}/);
});

test('no line of the log holds a recording or a vector, whatever an error carries', () => {
  const lines: string[] = [];
  const log = createLog('trace', { write: (line: string) => lines.push(line) });
  const vector = new Float32Array([0.123456, 0.654321]);
  const error = Object.assign(new Error(`the statement failed for ${'v'.repeat(500)}`), {
    parameters: [vector, Buffer.from('RIFF....WAVEfmt'), 'Ada Lovelace'],
    query: `INSERT INTO enrollments VALUES ('${'q'.repeat(500)}')`,
    code: 'SQLITE_BUSY',
    cause: Object.assign(new Error('why'), { driverError: { audio: wav(1) } }),
  });
  log.error({ err: error, audio: Buffer.from('RIFF....WAVEfmt'), nested: { deep: { vector } } }, 'it failed');
  const text = lines.join('');
  expect(JSON.parse(text)).toMatchObject({ err: { code: 'SQLITE_BUSY', cause: { message: 'why' } } });
  for (const secret of ['0.123', '82,73,70,70', 'RIFF', 'Lovelace', 'INSERT', 'v'.repeat(82)]) {
    expect(text).not.toContain(secret);
  }
});

test('everything that the service and the command line keep is for their user alone', async () => {
  const paths = (await entriesBelow(service.dataDir)).map((entry) => entry.path);
  expect(paths).toContain(join(service.dataDir, 'timbre.sqlite.lock'));
  for (const path of paths) {
    const found = await unlessGone(stat(path));
    if (found) expect([path, found.mode & 0o077]).toEqual([path, 0]);
  }
  const path = join(await mkdtemp(workshop.path('lock-')), 'model.lock');
  const lock = await FileLock.acquire(path);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await lock.release();
});

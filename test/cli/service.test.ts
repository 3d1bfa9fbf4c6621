import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { spoken, TestService, Workshop } from '../e2e/support.js';
import { timbre, type Ran } from './support.js';

let workshop: Workshop;
let service: TestService;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  workshop = await Workshop.open();
  service = await TestService.start(workshop, { model: await workshop.bundle(), enrollmentSeconds: 8 });
  await service.service.ready();
  const { port } = new URL(service.url);
  env = { EMBEDDING_SERVICE_HOST: '127.0.0.1', PORT: port, ...service.env };
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

const run = (...argv: string[]): Promise<Ran> => timbre(argv, { env });

/** The one JSON document of a command that works. */
async function json(...argv: string[]): Promise<unknown> {
  const { status, stdout, stderr } = await run(...argv, '--json');
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return JSON.parse(stdout) as unknown;
}

describe('speakers', () => {
  test('are added, listed, shown, renamed and removed', async () => {
    expect(await run('speakers', 'list')).toMatchObject({ status: 0, stdout: '' });
    expect(await run('speakers', 'add', 'ada', '--name', 'Ada')).toMatchObject({ status: 0, stdout: 'ada\n' });
    expect(await json('speakers', 'add')).toMatchObject({ name: null, enrollmentStatus: 'Enrolling' });
    expect(await json('speakers', 'rename', 'ada', 'Ada King')).toMatchObject({ name: 'Ada King' });
    expect(await json('speakers', 'show', 'ada')).toMatchObject({ id: 'ada', profile: { recordings: [] } });
    expect(await json('speakers', 'list')).toHaveLength(2);
    expect(await json('speakers', 'list', '--limit', '1')).toHaveLength(1);
    for (const { id } of (await json('speakers', 'list')) as { id: string }[]) await json('speakers', 'remove', id);
    expect(await json('speakers', 'list')).toEqual([]);
  });

  test('belong to groups, have metadata, and are found by both, by id and by name', async () => {
    expect(await run('groups', 'list')).toMatchObject({ status: 0, stdout: '' });
    expect(await run('groups', 'add', 'home', '--name', 'Garden')).toMatchObject({ status: 0, stdout: 'home\n' });
    expect(await json('groups', 'add', 'work')).toMatchObject({ id: 'work', name: null, members: 0 });
    expect(await json('groups', 'rename', 'work', 'Looms')).toMatchObject({ name: 'Looms' });
    const described = ['--group', 'home', '--group', 'work', '--meta', 'team=engines', '--meta', 'x=a=b'];
    expect(await json('speakers', 'add', 'ada', '--name', 'Ada', ...described)).toMatchObject({
      groups: ['home', 'work'],
      metadata: { team: 'engines', x: 'a=b' },
    });
    await json('speakers', 'add', 'bob');
    await json('groups', 'join', 'home', 'bob');
    await json('groups', 'leave', 'work', 'ada');
    expect((await run('groups', 'list')).stdout).toMatch(/^ID +NAME +MEMBERS\nhome +Garden +2\nwork +Looms +0\n$/);
    const listed = async (...search: string[]): Promise<string[]> =>
      ((await json('speakers', 'list', ...search)) as { id: string }[]).map(({ id }) => id);
    expect(await listed('--group', 'home')).toEqual(['ada', 'bob']);
    expect(await listed('--group', 'home', '--name', 'aD')).toEqual(['ada']);
    expect(await listed('--id', 'b')).toEqual(['bob']);
    expect(await listed('--meta', 'x=a=b')).toEqual(['ada']);
    expect(await run('speakers', 'list', '--group', 'gone')).toMatchObject({ status: 63, stdout: '' });
    expect(await json('speakers', 'set', 'ada', '--no-group', '--meta', 'a=b')).toMatchObject({
      groups: [],
      metadata: { a: 'b' },
    });
    expect(await json('speakers', 'set', 'ada', '--group', 'work', '--no-meta')).toMatchObject({
      groups: ['work'],
      metadata: {},
    });
    expect(await run('speakers', 'add', 'x', '--meta', 'team')).toMatchObject({ status: 2, stdout: '' });
    for (const id of ['ada', 'bob']) await json('speakers', 'remove', id);
    for (const id of ['home', 'work']) expect(await json('groups', 'remove', id)).toEqual({ removed: id });
  });

  test('that are not there have the exit status of their error', async () => {
    for (const argv of [
      ['show', 'nobody'],
      ['remove', '../../etc'],
      ['rename', 'x y', 'name'],
    ]) {
      const { status, stdout, stderr } = await run('speakers', ...argv);
      expect({ status, stdout }).toEqual({ status: 12, stdout: '' });
      expect(stderr).toContain('SPEAKER_NOT_FOUND');
    }
    expect(await run('speakers', 'add', 'a/b')).toMatchObject({ status: 2 });
  });
});

describe('enroll, verify, identify', () => {
  const at = (name: string): string => workshop.path(name);

  beforeAll(async () => {
    for (const voice of ['m1', 'f2']) {
      for (const n of [0, 1, 2] as const) await writeFile(at(`${voice}-${n}.wav`), spoken(voice, n));
    }
    await writeFile(at('noise.wav'), 'no recording');
  });

  test('lead from recordings to a name', async () => {
    const enrolled = await run('enroll', 'anna', at('f2-0.wav'), at('f2-1.wav'), '--name', 'Anna');
    expect(enrolled.status).toBe(0);
    expect(enrolled.stdout).toMatch(/f2-0\.wav +GOOD +\d+\.\d s of speech\n/);
    expect(enrolled.stdout).toMatch(/\nanna: Enrolled, 2 recordings, .*confidence 0\.\d\d\n$/);
    expect(enrolled.stderr).toContain('anna is a new speaker');
    expect(await json('enroll', 'ben', at('m1-0.wav'), at('m1-1.wav'), at('m1-1.wav'))).toMatchObject({
      speaker: { enrollmentStatus: 'Enrolled', enrollmentsCount: 2 },
      results: [{ duplicate: false }, { duplicate: false }, { duplicate: true }],
    });

    expect(await json('verify', 'ben', at('m1-2.wav'))).toMatchObject({ speakerId: 'ben', decision: 'ACCEPT' });
    expect((await run('verify', 'ben', at('m1-2.wav'))).stdout).toMatch(/^decision +ACCEPT\ncosine /);
    const found = await json('identify', at('m1-2.wav'), at('f2-2.wav'), '--top', '1');
    expect(found).toMatchObject([
      { decision: 'ACCEPT', speakerId: 'ben', gallerySize: 2 },
      { decision: 'ACCEPT', speakerId: 'anna', ranking: [{ name: 'Anna' }] },
    ]);
    await json('groups', 'add', 'home');
    await json('groups', 'join', 'home', 'anna');
    const within = await json('identify', at('f2-2.wav'), '--group', 'home');
    expect(within).toMatchObject([{ gallerySize: 1, ranking: [{ speakerId: 'anna' }] }]);
    expect(await run('identify', at('f2-2.wav'), '--group', 'gone')).toMatchObject({ status: 63 });
    const { stdout } = await run('identify', at('m1-2.wav'), '--candidates', 'anna');
    expect(stdout).toMatch(/m1-2\.wav: (ACCEPT anna|REJECT) \(of 1\)\n +1 +anna +Anna/);
  });

  test('go on after a recording that fails, and say so in the exit status', async () => {
    const { status, stdout, stderr } = await run('enroll', 'carl', at('noise.wav'), at('m1-0.wav'), at('gone.wav'));
    expect(status).toBe(21);
    expect(stdout).toMatch(/noise\.wav +AUDIO_UNSUPPORTED\n.*m1-0\.wav +GOOD.*\n.*gone\.wav +AUDIO_NOT_FOUND/);
    expect(stderr).toContain('noise.wav: ');
    expect(await run('identify', at('noise.wav'))).toMatchObject({ status: 21, stdout: '' });
    expect(await run('verify', 'ben', at('noise.wav'))).toMatchObject({ status: 21, stdout: '' });
  });
});

describe('the service that is asked', () => {
  let other: Server;
  let answers: { status: number; headers?: Record<string, string>; body: string }[];

  beforeAll(async () => {
    other = createServer((request, response) => {
      request.resume();
      const { status, headers, body } = answers.shift() ?? { status: 500, body: 'too many requests' };
      response.writeHead(status, headers).end(body);
    });
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve);
    });
  });

  afterAll(() => {
    other.close();
  });

  const ask = (): Promise<Ran> => {
    const { port } = other.address() as AddressInfo;
    return timbre(['speakers', 'list', '--json', '--url', `http://127.0.0.1:${port}/`]);
  };

  test('is asked again where it is busy', async () => {
    const busy = JSON.stringify({ code: 'OVERLOADED', message: 'the queue is full', requestId: 'x' });
    answers = [
      { status: 429, headers: { 'retry-after': '0' }, body: busy },
      { status: 200, body: JSON.stringify({ speakers: [], total: 0, nextCursor: null }) },
    ];
    expect(await ask()).toMatchObject({ status: 0, stdout: '[]\n', stderr: expect.stringContaining('trying again') });
  });

  test.each([
    ['a page of another program', { status: 404, body: '<html>not here</html>' }],
    ['JSON of another program', { status: 418, body: '{"error":"teapot"}' }],
  ])('is %s', async (_, answer) => {
    answers = [answer];
    expect(await ask()).toMatchObject({ status: 53, stdout: '' });
  });

  test('is not there', async () => {
    const { status, stderr } = await timbre(['speakers', 'list', '--url', 'http://127.0.0.1:1']);
    expect(status).toBe(53);
    expect(stderr).toContain('timbre serve');
    expect(await timbre(['speakers', 'list', '--url', 'localhost:3000'])).toMatchObject({ status: 2 });
  });
});

describe('without a service', () => {
  test('the commands work on the database of a folder, in this process', async () => {
    const at = (name: string): string => workshop.path(name);
    const dataDir = at('of-my-own');
    const own = { MODEL_CACHE_DIR: workshop.folder, TIMBRE_MODEL: 'small', TIMBRE_ENROLLMENT_SECONDS: '2' };
    const local = (...argv: string[]): Promise<Ran> => timbre([...argv, '--data-dir', dataDir], { env: own });
    await writeFile(at('local.wav'), spoken('f2', 0));

    const consent = ['--consent-text', '1', '--consent-how', 'spoken'];
    const enrolled = await local('enroll', 'anna', at('local.wav'), ...consent);
    expect(enrolled.stdout).toContain('anna: Enrolled');
    const verified = await local('verify', 'anna', at('local.wav'), '--json');
    expect(JSON.parse(verified.stdout)).toMatchObject({ decision: 'ACCEPT' });
    expect((await local('speakers', 'list')).stdout).toMatch(/^anna/);

    const held = await TestService.start(workshop, { dataDir, model: own.TIMBRE_MODEL });
    try {
      const refused = await local('speakers', 'list');
      expect(refused.status).not.toBe(0);
      expect(refused.stderr).toContain('STORAGE_UNAVAILABLE');
    } finally {
      await held.close();
    }
    expect(await local('speakers', 'list', '--url', 'http://127.0.0.1:1')).toMatchObject({ status: 2 });
  });
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TestService, wav, Workshop } from '../e2e/support.js';
import { timbre, type Ran } from './support.js';

let workshop: Workshop;
let service: TestService;
/** One without a model, whose jobs wait. */
let waiting: TestService;
let folder: string;

beforeAll(async () => {
  workshop = await Workshop.open();
  folder = workshop.path('people');
  for (const [name, seeds] of [
    ['ada', [1, 2]],
    ['ben', [3]],
  ] as const) {
    await mkdir(workshop.path('people', name, 'more'), { recursive: true });
    for (const seed of seeds) await writeFile(workshop.path('people', name, `${seed}.wav`), wav(1, { seed }));
  }
  await mkdir(workshop.path('people', 'empty'));
  await writeFile(workshop.path('people', 'notes.txt'), 'no folder');
  const settings = { audioRoots: folder };
  service = await TestService.start(workshop, { ...settings, model: await workshop.bundle(), maxUploadBytes: 100_000 });
  waiting = await TestService.start(workshop, { ...settings, model: 'nowhere' });
  await service.service.ready();
});

afterAll(async () => {
  await Promise.all([service.close(), waiting.close()]);
  await workshop.remove();
});

const run = (...argv: string[]): Promise<Ran> => timbre([...argv, '--url', service.url], { env: service.env });

/** The one JSON document of a command that works. */
async function json(of: TestService, ...argv: string[]): Promise<unknown> {
  const { status, stdout, stderr } = await timbre([...argv, '--json', '--url', of.url], { env: of.env });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return JSON.parse(stdout) as unknown;
}

async function session(of: TestService, ...names: string[]): Promise<string> {
  const items = names.map((name) => ({ speakerId: 'carl', path: workshop.path('people', name) }));
  const { status, body } = await of.postJson('/v1/training-sessions', { createSpeakers: true, items });
  expect(status).toBe(202);
  return (body as { id: string }).id;
}

describe('enroll --from-folders', () => {
  test('enrols a folder of folders, and sends what is new when it is run again', async () => {
    expect(await json(service, 'enroll', '--from-folders', folder)).toMatchObject({
      speakers: [{ id: 'ada' }, { id: 'ben' }],
      results: [
        { speakerId: 'ada', path: workshop.path('people', 'ada', '1.wav'), state: 'enrolled', accepted: false },
        { speakerId: 'ada', state: 'enrolled' },
        { speakerId: 'ben', state: 'enrolled' },
      ],
    });
    const jobs = (await json(service, 'jobs', 'list')) as unknown[];
    await writeFile(workshop.path('people', 'ben', 'more', '4.wav'), wav(1, { seed: 4 }));
    const again = await run('enroll', '--from-folders', folder);
    expect(again).toMatchObject({ status: 0 });
    expect(again.stdout).toMatch(/4\.wav +REJECTED\n/);
    expect(again.stdout).toContain('1 enrolled (1 not good enough to count), 3 known already, 0 failed\n');
    expect(await json(service, 'jobs', 'list')).toHaveLength(jobs.length + 1);
  });

  test('records a consent with everybody, without whom nobody is enrolled where it is required', async () => {
    const strict = await TestService.start(workshop, { model: workshop.path('small.pt'), consent: 'required' });
    try {
      await strict.service.ready();
      const enrol = (...argv: string[]): Promise<Ran> =>
        timbre(['enroll', '--from-folders', folder, ...argv, '--url', strict.url], { env: strict.env });
      expect(await enrol()).toMatchObject({ status: 60, stderr: expect.stringContaining('no consent') });
      expect(await enrol('--consent-how', 'signed form')).toMatchObject({ status: 2 });
      const consent = ['--consent-text', 'privacy-2026', '--consent-how', 'signed form'];
      expect(await enrol(...consent)).toMatchObject({ status: 0 });
      const file = workshop.path('people', 'ada', '1.wav');
      const one = ['enroll', 'zoe', file, '--name', 'Zoe', '--consent-by', 'her guardian', ...consent];
      expect(await timbre([...one, '--url', strict.url], { env: strict.env })).toMatchObject({ status: 0 });
      const add = ['speakers', 'add', 'yan', ...consent, '--url', strict.url];
      expect(await timbre(add, { env: strict.env })).toMatchObject({ status: 0 });
      const givers = ['ada', 'zoe', 'yan'].map(async (id) => {
        const { body } = await strict.call(`/v1/speakers/${id}/consent`);
        return (body as { consent: { givenBy: string } }).consent.givenBy;
      });
      expect(await Promise.all(givers)).toEqual(['ada', 'her guardian', 'yan']);
    } finally {
      await strict.close();
    }
  });

  test('goes on after files that fail, and says so in the exit status', async () => {
    const odd = workshop.path('odd');
    await mkdir(workshop.path('odd', 'eve'), { recursive: true });
    await writeFile(workshop.path('odd', 'eve', '1.wav'), 'no recording');
    await writeFile(workshop.path('odd', 'eve', '2.wav'), wav(8));
    await writeFile(workshop.path('odd', 'eve', '3.wav'), wav(1, { seed: 5 }));
    const { status, stdout, stderr } = await run('enroll', '--from-folders', odd, '--json');
    expect([20, 21]).toContain(status);
    const { results } = JSON.parse(stdout) as { results: { path: string; error?: { code: string } }[] };
    const codes = results.map(({ path, error }) => [path.slice(-5), error?.code]).sort();
    expect(codes).toEqual([
      ['1.wav', 'AUDIO_UNSUPPORTED'],
      ['2.wav', 'AUDIO_TOO_LARGE'],
      ['3.wav', undefined],
    ]);
    expect(stderr).toContain('1.wav: ');
  });

  test.each([[['--from-folders', 'nowhere']], [['--from-folders', '.', 'ada']], [['ada']], [[]]])(
    'refuses %j',
    async (argv) => {
      expect(await run('enroll', ...argv)).toMatchObject({ status: 2, stdout: '' });
    },
  );

  test('refuses a folder that is no id', async () => {
    await mkdir(workshop.path('wrong', 'a b'), { recursive: true });
    await writeFile(workshop.path('wrong', 'a b', '1.wav'), wav(1));
    const { status, stderr } = await run('enroll', '--from-folders', workshop.path('wrong'));
    expect(status).toBe(2);
    expect(stderr).toContain('rename it');
  });
});

describe('jobs', () => {
  test('are watched to their end, with what failed', async () => {
    const id = await session(service, 'ada/1.wav', 'ada/gone.wav');
    const watched = await run('jobs', 'watch', id);
    expect(watched).toMatchObject({ status: 25, stdout: `${id}: completed, 1 of 2 done, 1 failed\n` });
    expect(watched.stderr).toContain('gone.wav: ');
    const shown = await run('jobs', 'show', id);
    expect(shown.status).toBe(0);
    expect(shown.stdout).toMatch(/state +completed, 1 of 2 done, 1 failed\n[^]*gone\.wav +carl +AUDIO_NOT_FOUND/);
    expect(await json(service, 'jobs', 'show', id)).toMatchObject({
      id,
      items: [{ state: 'done' }, { state: 'failed' }],
    });
  });

  test('are listed, cancelled and removed', async () => {
    expect(await json(waiting, 'jobs', 'list')).toEqual([]);
    const id = await session(waiting, 'ada/1.wav', 'ada/2.wav');
    const listed = await timbre(['jobs', 'list', '--url', waiting.url], { env: waiting.env });
    expect(listed.stdout).toMatch(new RegExp(`^${id} +\\S+ +queued, 0 of 2 done\\n$`));
    expect(await json(waiting, 'jobs', 'list', '--limit', '1')).toMatchObject([{ id, state: 'queued' }]);
    expect(await json(waiting, 'jobs', 'cancel', id)).toMatchObject({ id, state: 'cancelled' });
    const end = await timbre(['jobs', 'watch', id, '--url', waiting.url], { env: waiting.env });
    expect(end).toMatchObject({ status: 0, stdout: `${id}: cancelled, 0 of 2 done, 2 cancelled\n` });
    expect(await json(waiting, 'jobs', 'cancel', id)).toMatchObject({ id, state: 'cancelled' });
    expect(await json(waiting, 'jobs', 'remove', id)).toEqual({ removed: id });
    const own = { env: waiting.env };
    expect(await timbre(['jobs', 'show', id, '--url', waiting.url], own)).toMatchObject({ status: 32, stdout: '' });
    expect(await timbre(['jobs', 'watch', id, '--url', waiting.url], own)).toMatchObject({ status: 32, stdout: '' });
  });

  test('are followed past a connection that breaks off', async () => {
    const seen: (string | undefined)[] = [];
    const view = (state: string, done: number): string =>
      JSON.stringify({ id: 'x', state, counts: { total: 2, waiting: 2 - done, done, failed: 0, cancelled: 0 } });
    const item = (id: number): string => `id: ${id}\nevent: item\ndata: {"index":0,"job":${view('running', id)}}\n\n`;
    const other: Server = createServer((request, response) => {
      seen.push(request.headers['last-event-id'] as string | undefined);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`: hello\n\nevent: job\ndata: ${view('running', 0)}\n\n`);
      if (seen.length === 1) response.write(item(1), () => response.destroy());
      else
        response.end(`${item(2)}id: 3\nevent: end\ndata: ${view('completed', 2).slice(0, -1)},"secondsLeft":null}\n\n`);
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const { status, stdout } = await timbre(['jobs', 'watch', 'x', '--url', `http://127.0.0.1:${port}`]);
    other.close();
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'x: completed, 2 of 2 done\n' });
    expect(seen).toEqual([undefined, '1']);
  });
});

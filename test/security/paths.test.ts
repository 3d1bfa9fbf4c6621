import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { closeSync, linkSync, openSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { copyFile, link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readManifest, SpeakerEncoder } from '../../src/addon/index.js';
import { openBeneath } from '../../src/addon/open-beneath.js';
import { modelName } from '../../src/scoring/model-calibration.js';
import type { ConfigInput } from '../../src/service/config/config.js';
import { TestService, until, wav, Workshop } from '../e2e/support.js';

/** A file that a request names is opened once, beneath a root, and is what is read. */

let workshop: Workshop;
let model: string;
let root: string;
let outside: string;

beforeAll(async () => {
  workshop = await Workshop.open();
  model = await workshop.bundle();
  root = workshop.path('recordings');
  outside = workshop.path('outside.wav');
  await mkdir(root);
  await writeFile(join(root, 'inside.wav'), wav(1));
  await writeFile(outside, wav(1, { seed: 2 }));
});

afterAll(() => workshop.remove());

async function withService<T>(settings: ConfigInput, work: (service: TestService) => Promise<T>): Promise<T> {
  const service = await TestService.start(workshop, { model, ...settings });
  try {
    await service.service.ready();
    return await work(service);
  } finally {
    await service.close();
  }
}

interface Answer {
  status: number;
  body: { error?: string; embedding?: number[] };
}

async function extract(service: TestService, path: string): Promise<Answer> {
  const response = await fetch(`${service.service.sidecarUrl}/extract-embedding`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ audio_path: path }),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

test('a data: URL is no path: it is opened nowhere, kept nowhere, and repeated in no answer and no line of the log', async () => {
  await withService({ audioRoots: [root] }, async (service) => {
    const secret = wav(1).toString('base64').slice(60, 1000);
    const url = `data:audio/wav;base64,${secret}`;
    const answers: unknown[] = [];
    const sidecar = async (path: string, body: object): Promise<unknown> => {
      const response = await fetch(`${service.service.sidecarUrl}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const answer = { status: response.status, body: await response.json() };
      answers.push(answer);
      return answer;
    };
    const error = expect.stringContaining('data: URL');
    for (const audio_path of [url, ` ${url}`, url.toUpperCase()]) {
      expect(await sidecar('/extract-embedding', { audio_path })).toEqual({ status: 404, body: { error } });
    }
    expect(await sidecar('/batch-extract-embeddings', { audio_paths: [url] })).toMatchObject({
      status: 200,
      body: { errors: [{ index: 0, audio_path: 'data:...', error }] },
    });
    const session = await service.postJson('/v1/training-sessions', {
      createSpeakers: true,
      items: [{ speakerId: 'ada', path: url }],
    });
    answers.push(session.body);
    expect(session).toMatchObject({ status: 400, body: { code: 'INVALID_ARGUMENT', message: error } });
    answers.push((await service.call('/v1/jobs')).body);
    expect(JSON.stringify([answers, service.log])).not.toContain(secret.slice(0, 20));
  });
});

test('a relative path of a session counts from where the service was when it was sent', async () => {
  const before = process.cwd();
  await withService({ audioRoots: [root] }, async (service) => {
    process.chdir(workshop.folder);
    try {
      const items = [{ speakerId: 'ada', path: 'recordings/inside.wav' }];
      const { status, body } = await service.postJson('/v1/training-sessions', { createSpeakers: true, items });
      expect({ status, body }).toMatchObject({ status: 202 });
      process.chdir(before);
      const { id } = body as { id: string };
      const job = (): Promise<{ body: unknown }> => service.call(`/v1/jobs/${id}`);
      await until(async () => ((await job()).body as { finishedAt: string | null }).finishedAt !== null);
      expect((await job()).body).toMatchObject({ items: [{ path: join(root, 'inside.wav'), error: null }] });
    } finally {
      process.chdir(before);
    }
  });
});

test("no path leads to another client's upload, nor to anything the service keeps, whatever the roots are", async () => {
  await withService({ audioRoots: ['/', '/proc', workshop.folder] }, async (service) => {
    expect((await extract(service, outside)).status).toBe(200);
    const own = openSync(outside, 'r');
    for (const folder of [service.dataDir, service.uploadDir, workshop.path('models')]) {
      await mkdir(folder, { recursive: true });
      await copyFile(outside, join(folder, 'kept.wav'));
    }
    await mkdir(join(service.dataDir, 'spool', 'job'), { recursive: true });
    await copyFile(outside, join(service.dataDir, 'spool', 'job', '0'));
    const paths = [
      ...Array.from({ length: 64 }, (_, i) => `/proc/self/fd/${i}`),
      `/proc/${process.pid}/fd/${own}`,
      `/proc/self/root${outside}`,
      `/proc/self/cwd/package.json`,
      '/proc/self/environ',
      '/dev/stdin',
      join(service.dataDir, 'kept.wav'),
      join(service.dataDir, 'timbre.sqlite'),
      join(service.dataDir, 'data.key'),
      join(service.dataDir, 'spool', 'job', '0'),
      join(service.uploadDir, 'kept.wav'),
      workshop.path('models', 'kept.wav'),
    ];
    const answers = await Promise.all(paths.map((path) => extract(service, path)));
    closeSync(own);
    answers.forEach(({ status }, i) => expect([paths[i], status]).toEqual([paths[i], 404]));
  });
});

test('nor to keys, epoch and calibration, where these lie elsewhere', async () => {
  const folder = workshop.path('elsewhere');
  await mkdir(folder);
  const at = (name: string): string => join(folder, name);
  const files = { dataKeyFile: at('data.key'), epochFile: at('epoch'), calibrationFile: at('calibration.json') };
  const calibration = {
    format: 1,
    model: modelName(await readManifest(model)),
    calibration: { offset: -4, scale: 10, quality: {} },
    thresholds: [{ falseAcceptRate: 0.01, cosine: 0.5, llr: 1 }],
  };
  await writeFile(files.calibrationFile, JSON.stringify(calibration));
  await withService({ audioRoots: [workshop.folder], ...files }, async (service) => {
    const retired = `${files.dataKeyFile}.retired`;
    await writeFile(retired, 'a key');
    for (const path of [...Object.values(files), retired]) {
      expect([path, (await extract(service, path)).status]).toEqual([path, 404]);
      // The same bytes under another name are read, and are no recording.
      await copyFile(path, at('copy'));
      expect((await extract(service, at('copy'))).status).toBe(500);
    }
  });
});

test('everything that is refused has one answer, which tells nothing of this machine', async () => {
  await symlink(outside, join(root, 'link.wav'));
  await symlink('inside.wav', join(root, 'link-inside.wav'));
  execFileSync('mkfifo', [join(root, 'pipe')]);
  await withService({ audioRoots: [root] }, async (service) => {
    const refused = [
      outside,
      join(root, 'nowhere.wav'),
      workshop.path('nowhere', 'at-all.wav'),
      root,
      join(root, 'link.wav'),
      join(root, 'link-inside.wav'),
      join(root, 'pipe'),
      `${root}/../outside.wav`,
      `${root}/inside.wav\0.mp3`,
      '/etc/shadow',
      '/dev/zero',
      'x'.repeat(5000),
    ];
    const texts = new Set<string | undefined>();
    for (const path of refused) {
      const { status, body } = await extract(service, path);
      expect([path.slice(0, 80), status]).toEqual([path.slice(0, 80), 404]);
      texts.add(body.error);
    }
    expect(texts.size).toBe(1);
    expect([...texts][0]).not.toContain('/');
    // The log says why, and no more than 80 characters of what the client sent.
    const lines = service.log.filter(({ room }) => room === 'AudioRoots');
    expect(lines).toHaveLength(refused.length);
    for (const { path } of lines) expect(String(path).length).toBeLessThanOrEqual(100);
    expect(lines.map(({ msg }) => msg).join()).toContain('AUDIO_ROOTS');
    expect((await extract(service, join(root, 'inside.wav'))).status).toBe(200);
  });
});

test('a link that takes the name of a file after it was looked at leads nowhere, in 600 tries', async () => {
  await withService({ audioRoots: [root], rateLimit: 0 }, async (service) => {
    const inside = (await extract(service, join(root, 'inside.wav'))).body.embedding;
    const name = join(root, 'turned.wav');
    const turner = setInterval(() => {
      for (const make of [
        (aside: string): void => symlinkSync(outside, aside),
        (aside: string): void => linkSync(join(root, 'inside.wav'), aside),
      ]) {
        rmSync(join(root, 'aside'), { force: true });
        make(join(root, 'aside'));
        renameSync(join(root, 'aside'), name);
      }
    }, 1);
    try {
      for (let i = 0; i < 60; i++) {
        const answers = await Promise.all(Array.from({ length: 10 }, () => extract(service, name)));
        for (const { status, body } of answers) {
          if (status === 200) expect(body.embedding).toEqual(inside);
          else expect(status).toBe(404);
        }
      }
    } finally {
      clearInterval(turner);
    }
  });
});

test('a named pipe that takes the name of a file holds up neither the jobs nor the stop', async () => {
  const name = join(root, 'later.wav');
  await rm(name, { force: true });
  execFileSync('mkfifo', [name]);
  const started = performance.now();
  await withService({ audioRoots: [root], sidecarPort: 'off' }, async (service) => {
    await service.postJson('/v1/speakers', { id: 'ada' });
    const items = Array.from({ length: 8 }, () => ({ speakerId: 'ada', path: name }));
    const made = await service.postJson('/v1/training-sessions', { items });
    expect(made.status).toBe(202);
    const { id } = made.body as { id: string };
    await until(async () => ((await service.call(`/v1/jobs/${id}`)).body as { state: string }).state === 'failed');
    expect((await service.call('/health/live')).status).toBe(200);
  });
  expect(performance.now() - started).toBeLessThan(30_000);
});

describe('where no roots are configured', () => {
  test("the sidecar's local clients may name files of the temporary folder, and nobody else", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'timbre-handed-'));
    const path = join(folder, 'handed.wav');
    await writeFile(path, wav(1));
    try {
      await withService({ audioRoots: '' }, async (service) => {
        expect((await extract(service, path)).status).toBe(200);
        await link(path, join(folder, 'alias.wav'));
        await symlink(path, join(folder, 'link.wav'));
        expect((await extract(service, join(folder, 'link.wav'))).status).toBe(404);
        expect((await extract(service, '/etc/passwd')).status).toBe(404);
        await service.postJson('/v1/speakers', { id: 'ada' });
        const { body } = await service.postJson('/v1/training-sessions', { items: [{ speakerId: 'ada', path }] });
        const { id } = body as { id: string };
        const job = async (): Promise<{ state: string; items: { error: { code: string } | null }[] }> =>
          (await service.call(`/v1/jobs/${id}`)).body as Awaited<ReturnType<typeof job>>;
        await until(async () => (await job()).state === 'failed');
        expect((await job()).items[0]!.error?.code).toBe('AUDIO_NOT_FOUND');
      });
      await withService({ audioRoots: '', openSidecar: 'on' }, async (service) => {
        expect((await extract(service, path)).status).toBe(404);
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('in the process', () => {
  test('an open file is what is embedded, whatever takes its name', async () => {
    const path = join(root, 'opened.wav');
    await copyFile(join(root, 'inside.wav'), path);
    const encoder = await SpeakerEncoder.load({ model, workers: 1 });
    const file = await openBeneath(path, { roots: [root], closed: [] });
    try {
      await copyFile(outside, `${path}.new`);
      renameSync(`${path}.new`, path);
      const [of, expected, other] = await Promise.all([
        encoder.embed({ descriptor: file.descriptor }),
        encoder.embed(join(root, 'inside.wav')),
        encoder.embed(path),
      ]);
      expect(of.embedding).toEqual(expected.embedding);
      expect(of.embedding).not.toEqual(other.embedding);
    } finally {
      await file.close();
      await encoder.close();
    }
    await expect(openBeneath(path, { roots: [root], closed: [root] })).rejects.toMatchObject({
      code: 'AUDIO_NOT_FOUND',
    });
  });

  test.each([[-1], [1.5], ['3'], [99_999]])('a descriptor that is none is refused: %j', async (descriptor) => {
    const encoder = await SpeakerEncoder.load({ model, workers: 1 });
    try {
      await expect(encoder.embed({ descriptor } as { descriptor: number })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
    } finally {
      await encoder.close();
    }
  });
});

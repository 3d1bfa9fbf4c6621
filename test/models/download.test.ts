import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { download, type DownloadOptions, type DownloadProgress } from '../../src/models/download.js';
import { Hub, noise, seeded, type Answer } from './hub.js';
import { asNobody } from '../hardware.js';

const CONTENT = noise(300_000);

let folder: string;
let path: string;
let hub: Hub | undefined;
let pauses: number[];
let notes: string[];
let options: DownloadOptions;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-download-'));
  path = join(folder, 'file.ckpt');
  pauses = [];
  notes = [];
  options = {
    pause: async (ms) => pauses.push(ms),
    random: () => 1,
    onNote: (text) => notes.push(text),
    lock: { pollMs: 10 },
  };
});

afterEach(async () => {
  await hub?.stop();
  hub = undefined;
  await rm(folder, { recursive: true });
});

async function serve(...answers: Answer[]): Promise<Hub> {
  hub = await Hub.start(CONTENT, (number) => answers[Math.min(number, answers.length - 1)] ?? {});
  return hub;
}

async function expectFile(): Promise<void> {
  expect((await readFile(path)).equals(CONTENT)).toBe(true);
  expect(await readdir(folder)).toEqual(['file.ckpt']);
}

describe('an honest server', () => {
  test('gives the file, with progress up to its size', async () => {
    const { file } = await serve();
    const seen: DownloadProgress[] = [];
    await download(file, path, { ...options, onProgress: (progress) => seen.push(progress) });
    await expectFile();
    expect(seen.at(-1)).toEqual({ done: CONTENT.length, total: CONTENT.length, resumed: 0 });
    expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).sort((a, b) => a - b));
  });

  test('is not asked for a file that is there', async () => {
    const { file, requests } = await serve();
    await writeFile(path, CONTENT);
    await download(file, path, options);
    expect(requests).toEqual([]);
    await expectFile();
  });

  test('is asked again for a file that is there and damaged', async () => {
    const { file } = await serve();
    const damaged = Buffer.from(CONTENT);
    damaged[5]! ^= 1;
    await writeFile(path, damaged);
    await download(file, path, options);
    await expectFile();
  });
});

describe('resuming', () => {
  test('asks for the rest of what an earlier run left, if it is still the same file', async () => {
    const { file, requests } = await serve();
    await writeFile(`${path}.part`, CONTENT.subarray(0, 100_000));
    await writeFile(`${path}.part.etag`, '"one"');
    const seen: DownloadProgress[] = [];
    await download(file, path, { ...options, onProgress: (progress) => seen.push(progress) });
    expect(requests).toMatchObject([{ range: 'bytes=100000-', ifRange: '"one"' }]);
    expect(seen[0]!.done).toBeGreaterThan(100_000);
    expect(seen[0]!.resumed).toBe(100_000);
    await expectFile();
  });

  test('starts over when the file has changed on the server since', async () => {
    const { file, requests } = await serve({ etag: '"two"' });
    await writeFile(`${path}.part`, Buffer.alloc(100_000, 1));
    await writeFile(`${path}.part.etag`, '"one"');
    await download(file, path, options);
    expect(requests).toHaveLength(1);
    await expectFile();
  });

  test('starts over where the server knows no ranges', async () => {
    const { file } = await serve({ ignoreRange: true });
    await writeFile(`${path}.part`, CONTENT.subarray(0, 100_000));
    await download(file, path, options);
    await expectFile();
  });

  test('starts over after 416', async () => {
    const { file } = await serve({ status: 416 }, {});
    await writeFile(`${path}.part`, CONTENT.subarray(0, 100_000));
    await download(file, path, options);
    expect(hub!.requests.map(({ range }) => range)).toEqual(['bytes=100000-', undefined]);
    await expectFile();
  });

  test('starts over when another range comes than was asked for', async () => {
    const { file } = await serve({ claimStart: 7 }, {});
    await writeFile(`${path}.part`, CONTENT.subarray(0, 100_000));
    await download(file, path, options);
    await expectFile();
  });

  test('starts over once when the pieces do not make the published file', async () => {
    const { file } = await serve();
    await writeFile(`${path}.part`, Buffer.alloc(100_000, 1));
    await download(file, path, options);
    expect(hub!.requests.map(({ range }) => range)).toEqual(['bytes=100000-', undefined]);
    await expectFile();
  });

  test('needs no server for a part that is complete', async () => {
    const { file, requests } = await serve();
    await writeFile(`${path}.part`, CONTENT);
    await download(file, path, options);
    expect(requests).toEqual([]);
    await expectFile();
  });

  test('a part longer than the file is thrown away', async () => {
    const { file } = await serve();
    await writeFile(`${path}.part`, Buffer.concat([CONTENT, CONTENT]));
    await download(file, path, options);
    await expectFile();
  });
});

describe('a bad connection', () => {
  test.each([1, 2, 3, 4, 5])('cut at random places, it still gives the right file (seed %i)', async (seed) => {
    const random = seeded(seed);
    hub = await Hub.start(CONTENT, () => ({ cutAfter: 1 + Math.floor(random() * 60_000) }));
    await download(hub.file, path, options);
    await expectFile();
    expect(hub.requests.length).toBeGreaterThan(3);
    expect(pauses).toHaveLength(hub.requests.length - 1);
  });

  test.each([6, 7, 8])(
    'of cuts, refusals and lies at random comes the right file or an error (seed %i)',
    async (seed) => {
      const random = seeded(seed);
      const kinds: (() => Answer)[] = [
        () => ({ cutAfter: 1 + Math.floor(random() * 150_000) }),
        () => ({ status: 503 }),
        () => ({ status: 429, headers: { 'retry-after': '2' } }),
        () => ({ status: 416 }),
        () => ({ ignoreRange: true, cutAfter: Math.floor(random() * 150_000) }),
        () => ({ announce: 10 }),
        () => ({ wrongByteAt: Math.floor(random() * CONTENT.length) }),
        () => ({ extra: 5 }),
        () => ({}),
      ];
      hub = await Hub.start(CONTENT, () => kinds[Math.floor(random() * kinds.length)]!());
      for (let run = 0; run < 20; run++) {
        await download(hub.file, path, options).then(expectFile, async (error: unknown) => {
          expect(error).toMatchObject({ code: 'DOWNLOAD_FAILED' });
          expect(await readdir(folder)).not.toContain('file.ckpt');
          expect(await readdir(folder)).not.toContain('file.ckpt.lock');
        });
        await rm(path, { force: true });
      }
    },
  );

  test('the pauses double, up to a limit, and are counted anew after progress', async () => {
    const dead: Answer = { status: 503 };
    const { file } = await serve(dead, dead, dead, { cutAfter: 1000 }, dead, {});
    await download(file, path, options);
    expect(pauses).toEqual([500, 1000, 2000, 500, 1000]);
  });

  test('jitter takes up to half of a pause', async () => {
    const { file } = await serve({ status: 503 }, {});
    await download(file, path, { ...options, random: () => 0 });
    expect(pauses).toEqual([250]);
  });

  test('a server that stays silent counts as cut', async () => {
    const { file } = await serve({ hold: new Promise(() => undefined) }, {});
    await download(file, path, { ...options, silenceMs: 50 });
    await expectFile();
  });

  test('nobody there: an error after few attempts, with the address', async () => {
    const { file } = await serve();
    await hub!.stop();
    hub = undefined;
    await expect(download(file, path, options)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining(file.url) as unknown,
    });
    expect(pauses).toHaveLength(2);
  });

  test('given up after attempts without a new byte, it keeps what came for the next run', async () => {
    const { file } = await serve({ cutAfter: 90_000 }, { status: 503 });
    await expect(download(file, path, options)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('503') as unknown,
    });
    expect((await readFile(`${path}.part`)).equals(CONTENT.subarray(0, 90_000))).toBe(true);
  });
});

describe('refusals', () => {
  test('Retry-After is obeyed, in seconds and as a date', async () => {
    const soon = new Date(Date.now() + 20_000).toUTCString();
    const { file } = await serve(
      { status: 429, headers: { 'retry-after': '7' } },
      { status: 503, headers: { 'retry-after': soon } },
      {},
    );
    await download(file, path, options);
    expect(pauses[0]).toBe(7000);
    expect(pauses[1]).toBeGreaterThan(10_000);
    await expectFile();
  });

  test('a wait of hours is an error, not a wait', async () => {
    const { file } = await serve({ status: 429, headers: { 'retry-after': '7200' } });
    await expect(download(file, path, options)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('120 minutes') as unknown,
    });
    expect(pauses).toEqual([]);
  });

  test.each([401, 403, 404, 410])('%i is final', async (status) => {
    const { file, requests } = await serve({ status });
    await expect(download(file, path, options)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining(String(status)) as unknown,
    });
    expect(requests).toHaveLength(1);
  });
});

describe('lies', () => {
  test('a wrong byte: the file is deleted, the error names both digests', async () => {
    const { file } = await serve({ wrongByteAt: 123_456 });
    await expect(download(file, path, options)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(new RegExp(`sha256 [0-9a-f]{64} where ${file.sha256}.*deleted`)) as unknown,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test.each([10, CONTENT.length - 1, CONTENT.length + 1, 10 ** 9])(
    'a length of %i is not believed',
    async (announce) => {
      const { file } = await serve({ announce }, {});
      await download(file, path, options);
      await expectFile();
    },
  );

  test('another file under the same address is an error that names both sizes', async () => {
    const { file } = await serve({ announce: 2000, headers: { 'content-type': 'text/html' } });
    await expect(download(file, path, options)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/2000 bytes \(text\/html\) where 300000 are published/) as unknown,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test('a body without end is left at the size of the file', async () => {
    const { file } = await serve({ announce: 'none', extra: 1_000_000 });
    await expect(download(file, path, options)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('more than the 300000 bytes') as unknown,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test('a body that ends early is continued', async () => {
    const { file } = await serve({ announce: 'none', cutAfter: 50_000 }, {});
    await download(file, path, options);
    await expectFile();
  });

  test('a redirection is followed', async () => {
    const target = await serve();
    const front = await Hub.start(CONTENT, () => ({ status: 302, headers: { location: target.file.url } }));
    try {
      await download({ ...target.file, url: front.file.url }, path, options);
      await expectFile();
    } finally {
      await front.stop();
    }
  });
});

describe('the disk', () => {
  test('too little space is an error before anything is fetched', async () => {
    const { file, requests } = await serve();
    await expect(download(file, path, { ...options, free: async () => 1_000_000 })).rejects.toMatchObject({
      code: 'WRITE_FAILED',
      message: expect.stringMatching(/1 MiB free, 16 MiB are needed/) as unknown,
    });
    expect(requests).toEqual([]);
  });

  test('space that others take during the download is an error, and what came is kept', async () => {
    const big = Buffer.alloc(20 << 20, noise(1 << 20));
    hub = await Hub.start(big);
    let asked = 0;
    const free = async (): Promise<number> => (asked++ === 0 ? 2 ** 40 : 1000);
    await expect(download(hub.file, path, { ...options, free })).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    const part = await readFile(`${path}.part`);
    expect(part.length).toBeGreaterThanOrEqual(8 << 20);
    expect(part.equals(big.subarray(0, part.length))).toBe(true);
    await download(hub.file, path, options);
    expect((await readFile(path)).equals(big)).toBe(true);
  });

  test('a folder that cannot be made is an error with the remedy', async () => {
    const { file } = await serve();
    await writeFile(join(folder, 'plain'), '');
    await expect(download(file, join(folder, 'plain', 'file.ckpt'), options)).rejects.toMatchObject({
      code: 'WRITE_FAILED',
      message: expect.stringContaining('MODEL_CACHE_DIR') as unknown,
    });
  });

  test('a folder that may not be written to is an error', async () => {
    const { file } = await serve();
    await chmod(folder, 0o555);
    try {
      await asNobody(() => expect(download(file, path, options)).rejects.toMatchObject({ code: 'WRITE_FAILED' }));
    } finally {
      await chmod(folder, 0o700);
    }
  });
});

describe('cancelling', () => {
  test('in mid-file: ABORTED, and what came is kept', async () => {
    const { file } = await serve({ cutAfter: 50_000 }, {});
    const controller = new AbortController();
    const pause = async (): Promise<void> => controller.abort();
    await expect(download(file, path, { ...options, pause, signal: controller.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect((await readFile(`${path}.part`)).length).toBe(50_000);
    await download(file, path, options);
    await expectFile();
  });

  test('during a response that hangs', async () => {
    const controller = new AbortController();
    hub = await Hub.start(CONTENT, () => {
      controller.abort();
      return { hold: new Promise(() => undefined) };
    });
    await expect(download(hub.file, path, { ...options, signal: controller.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('proxies', () => {
  const names = ['http_proxy', 'HTTP_PROXY', 'no_proxy', 'NO_PROXY', 'all_proxy', 'ALL_PROXY'];
  const kept = new Map(names.map((name) => [name, process.env[name]]));

  afterEach(() => {
    for (const [name, value] of kept) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });

  test('the request goes through HTTP_PROXY, except to hosts of NO_PROXY', async () => {
    const { file } = await serve();
    const tunnels: string[] = [];
    const port = Number(new URL(file.url).port);
    const proxy = createServer().on('connect', (request, client) => {
      tunnels.push(request.url!);
      const server = connect(port, '127.0.0.1', () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
      server.pipe(client).pipe(server);
      server.on('error', () => client.destroy());
      client.on('error', () => server.destroy());
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    for (const name of names) Reflect.deleteProperty(process.env, name);
    process.env.HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    process.env.NO_PROXY = '127.0.0.1';
    try {
      await download({ ...file, url: `http://models.invalid:${port}/file.ckpt` }, path, options);
      expect(tunnels).toEqual([`models.invalid:${port}`]);
      await rm(path);
      await download(file, path, options);
      expect(tunnels).toHaveLength(1);
      await expectFile();
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });
});

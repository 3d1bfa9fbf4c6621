import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { LocalKey } from '../../src/service/access/local-key.js';
import { Config, type ConfigInput } from '../../src/service/config/config.js';
import { errorBody } from '../../src/service/http/api-errors.js';
import { Database } from '../../src/service/persistence/sqlite/database.js';
import { SqliteKeyStore } from '../../src/service/persistence/sqlite/sqlite-key-store.js';
import { sessionView } from '../../src/service/sign-in/sign-in.dto.js';
import { keyIn, LOCAL_KEY_FILE } from '../../src/support/key-file.js';
import { timbre } from '../cli/support.js';
import { TestService, until, Workshop } from '../e2e/support.js';
import { temporaryFolder } from '../integration/voices.js';

/** Loopback is no identity: who may call what without a key, and how the first key comes about. */

let workshop: Workshop;
let model: string;

beforeAll(async () => {
  workshop = await Workshop.open();
  model = await workshop.bundle();
});

afterAll(() => workshop.remove());

async function withService<T>(settings: ConfigInput, work: (service: TestService) => Promise<T>): Promise<T> {
  const service = await TestService.start(workshop, { model, sidecarPort: 'off', ...settings });
  try {
    await service.service.ready();
    return await work(service);
  } finally {
    await service.close();
  }
}

/** Status of a request with these headers and no others; fetch() decides about some by itself. */
function status(
  url: string,
  headers: Record<string, string>,
  init: { method?: string; body?: string } = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: init.method ?? 'GET', headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end(init.body);
  });
}

/** Status of an answer to HTTP/1.0. */
function statusOfOld(url: string, path: string, headers: Record<string, string>): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(Number(port), hostname, () => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`GET ${path} HTTP/1.0\r\n${lines.join('')}\r\n`);
    });
    socket.on('data', (chunk) => (said += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve(Number(said.split(' ', 2)[1])));
  });
}

/** A port on which nothing listens. */
async function freePort(): Promise<AddressInfo> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return address;
}

/** What a proxy, a tunnel, a container or a page adds to a request, and none of which a program of this machine sends. */
const FROM_ELSEWHERE: Record<string, string>[] = [
  { 'x-forwarded-for': '203.0.113.9' },
  { 'x-forwarded-host': 'voices.example' },
  { 'x-forwarded-proto': 'https' },
  { forwarded: 'for=203.0.113.9' },
  { via: '1.1 proxy' },
  { 'x-real-ip': '203.0.113.9' },
  { 'x-client-ip': '203.0.113.9' },
  { 'true-client-ip': '203.0.113.9' },
  { 'cf-connecting-ip': '203.0.113.9' },
  { 'x-forwarded': 'for=203.0.113.9' },
  { 'x-forwarded-port': '443' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { host: 'voices.example' },
  { host: '10.0.0.5' },
  { host: 'evil.example', origin: 'http://evil.example' },
];

describe('a service on loopback', () => {
  test.each(['/v1/audit', '/v1/speakers', '/v1/speakers/ada/export?vectors=true', '/v1/info', '/metrics', '/v1/jobs'])(
    'answers nobody without a key: %s',
    async (path) => {
      await withService({}, async (service) => {
        expect(await status(service.url + path, {})).toBe(401);
        expect(await status(service.url + path, { 'x-real-ip': '203.0.113.9' })).toBe(401);
        expect(await statusOfOld(service.url, path, { host: '127.0.0.1' })).toBe(401);
      });
    },
  );

  test('erases nobody and rotates no key for whoever has none', async () => {
    await withService({}, async (service) => {
      await service.postJson('/v1/speakers', { id: 'ada' });
      expect(await status(`${service.url}/v1/speakers/ada`, {}, { method: 'DELETE' })).toBe(401);
      expect(await status(`${service.url}/v1/data-key/rotation`, {}, { method: 'POST' })).toBe(401);
      expect((await service.call('/v1/speakers/ada')).status).toBe(200);
    });
  });
});

describe('the keyless mode', () => {
  test('is for programs of this machine alone', async () => {
    await withService({ requireKeys: 'never' }, async (service) => {
      const url = `${service.url}/v1/speakers`;
      const { host, port } = new URL(service.url);
      for (const own of [{}, { host: `localhost:${port}` }, { host: `[::1]:${port}` }, { origin: `http://${host}` }]) {
        expect([own, await status(url, own)]).toEqual([own, 200]);
      }
      for (const site of ['same-origin', 'none']) expect(await status(url, { 'sec-fetch-site': site })).toBe(200);
      for (const headers of FROM_ELSEWHERE) expect([headers, await status(url, headers)]).toEqual([headers, 403]);
      expect(await statusOfOld(service.url, '/v1/speakers', { host })).toBe(403);
      expect(await statusOfOld(service.url, '/v1/speakers', {})).toBe(403);
      const { body } = await service.anonymously('/v1/speakers', { headers: { via: '1.1 x' } });
      expect(errorBody.parse(body).code).toBe('FORBIDDEN_ORIGIN');
      // Who sends a key may come from anywhere.
      expect(await status(url, { 'x-api-key': service.key, via: '1.1 x', host: 'voices.example' })).toBe(200);
    });
  });

  test('is refused where others reach the port, and with pages of elsewhere', async () => {
    for (const settings of [{ host: '0.0.0.0' }, { corsOrigins: 'https://app.example' }]) {
      await expect(withService({ requireKeys: 'never', ...settings }, async () => undefined)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('TIMBRE_REQUIRE_KEYS'),
      });
    }
  });
});

describe("the sidecar's port", () => {
  const body = JSON.stringify({ embedding1: [1, 0], embedding2: [1, 0] });
  const similar = (of: TestService, headers: Record<string, string>): Promise<number> =>
    status(
      `${of.service.sidecarUrl}/compute-similarity`,
      { 'content-type': 'application/json', ...headers },
      {
        method: 'POST',
        body,
      },
    );

  test('is open to programs of this machine, which send no key, and to nobody who comes from elsewhere', async () => {
    await withService({ sidecarPort: 0 }, async (service) => {
      expect(await similar(service, {})).toBe(200);
      for (const headers of FROM_ELSEWHERE) expect([headers, await similar(service, headers)]).toEqual([headers, 403]);
      expect(await similar(service, { 'x-api-key': service.key, via: '1.1 x' })).toBe(200);
    });
  });

  test('reaches nothing that is stored', async () => {
    await withService({ sidecarPort: 0 }, async (service) => {
      for (const path of ['/v1/speakers', '/v1/audit', '/v1/info', '/metrics', '/docs', '/v1/sign-in']) {
        expect([path, await status(service.service.sidecarUrl! + path, { 'x-api-key': service.key })]).toEqual([
          path,
          404,
        ]);
      }
    });
  });

  test('is opened further by TIMBRE_OPEN_SIDECAR, and closed by TIMBRE_REQUIRE_KEYS=always', async () => {
    await withService({ sidecarPort: 0, openSidecar: 'on' }, async (service) => {
      expect(await similar(service, { via: '1.1 x', host: 'voices.example' })).toBe(200);
      expect(await similar(service, { origin: 'https://evil.example' })).toBe(403);
      expect(await status(`${service.url}/v1/info`, {})).toBe(401);
    });
    await withService({ sidecarPort: 0, requireKeys: 'always' }, async (service) => {
      expect(await similar(service, {})).toBe(401);
      expect(await similar(service, { 'x-api-key': service.key })).toBe(200);
    });
  });
});

describe('the local key', () => {
  test('is made at the first start, for its owner alone, as a line that curl -H @FILE sends', async () => {
    const dataDir = await mkdtemp(workshop.path('local-'));
    const file = join(dataDir, LOCAL_KEY_FILE);
    const first = await withService({ dataDir }, async (service) => {
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      const line = await readFile(file, 'utf8');
      expect(line).toMatch(/^Authorization: Bearer tmb_[0-9a-f]{12}_[\w-]{43}\n$/);
      const [name, value] = line.trim().split(': ') as [string, string];
      expect(await status(`${service.url}/v1/audit`, { [name]: value })).toBe(200);
      expect(JSON.stringify(service.log)).not.toContain(keyIn(line).slice(17));
      return line;
    });
    await withService({ dataDir }, async () => expect(await readFile(file, 'utf8')).toBe(first));
    // Removed, it is made again, and the one before is worth nothing.
    await rm(file);
    await withService({ dataDir }, async (service) => {
      expect(await readFile(file, 'utf8')).not.toBe(first);
      expect((await service.call('/v1/info', { headers: { 'x-api-key': keyIn(first) } })).status).toBe(401);
      expect((await service.call('/v1/info')).status).toBe(200);
    });
  });

  test('is not used where others could have read it', async () => {
    const dataDir = await mkdtemp(workshop.path('read-'));
    await withService({ dataDir }, async () => undefined);
    await chmod(join(dataDir, LOCAL_KEY_FILE), 0o644);
    await expect(withService({ dataDir }, async () => undefined)).rejects.toMatchObject({
      code: 'STORAGE_INVALID',
      message: expect.stringContaining('remove it'),
    });
  });

  test("is not used where it is another user's", async () => {
    const { folder, remove } = await temporaryFolder();
    const database = await Database.open({ folder });
    const store = await SqliteKeyStore.beside(database, folder);
    const start = (): Promise<void> => new LocalKey(Config.of({ dataDir: folder }), store).onModuleInit();
    const own = process.geteuid!();
    try {
      await start();
      await start();
      jest.spyOn(process as { geteuid: () => number }, 'geteuid').mockReturnValue(own + 1);
      await expect(start()).rejects.toMatchObject({ code: 'STORAGE_INVALID' });
    } finally {
      jest.restoreAllMocks();
      await store.close();
      await database.close();
      await remove();
    }
  });

  test('stays revoked where an operator revoked it', async () => {
    const dataDir = await mkdtemp(workshop.path('revoked-'));
    const key = await withService({ dataDir }, async (service) => service.key);
    expect((await timbre(['keys', 'revoke', key, '--data-dir', dataDir])).status).toBe(0);
    await withService({ dataDir }, async (service) => {
      expect((await service.call('/v1/info')).status).toBe(401);
      expect(JSON.stringify(service.log)).toContain('the local key is revoked');
    });
  });

  test('is read by commands on this machine, and sent to no other', async () => {
    await withService({}, async (service) => {
      const { port } = new URL(service.url);
      const list = ['speakers', 'list', '--json'];
      const env = { ...service.env, PORT: port };
      expect(await timbre(list, { env })).toMatchObject({ status: 0, stdout: '[]\n' });
      expect(await timbre([...list, '--url', `http://localhost:${port}`], { env })).toMatchObject({ status: 0 });
      expect(await timbre(list, { env: { PORT: port } })).toMatchObject({ status: 10 });
      // Another name of this machine may be another machine tomorrow.
      const elsewhere = await timbre([...list, '--url', `http://0.0.0.0:${port}`], { env });
      expect(elsewhere.stderr).toContain('UNAUTHENTICATED');
      await writeFile(workshop.path('plain.key'), `${service.key}\n`);
      expect(await timbre([...list, '--url', service.url, '--key-file', workshop.path('plain.key')])).toMatchObject({
        status: 0,
      });
      const header = join(service.dataDir, LOCAL_KEY_FILE);
      expect(await timbre([...list, '--url', service.url, '--key-file', header])).toMatchObject({ status: 0 });
    });
  });
});

describe('a sign-in link', () => {
  test('works once, and gives a key that ends with the service', async () => {
    const dataDir = await mkdtemp(workshop.path('signed-'));
    const session = await withService({ dataDir }, async (service) => {
      const ran = await timbre(['sign-in', '--url', service.url], { env: service.env });
      expect(ran.status).toBe(0);
      const link = new URL(ran.stdout.trim());
      expect(link.pathname).toBe('/');
      // What follows # goes to no server, no proxy and no log.
      const code = /^#sign-in=([\w-]{43})$/.exec(link.hash)?.[1] ?? '';
      const exchange = (given: string): ReturnType<TestService['call']> =>
        service.anonymously('/v1/sign-in', { method: 'POST', headers: { 'x-sign-in-code': given } });
      expect(await exchange(`${code}x`)).toMatchObject({ status: 401 });
      const { status: made, body } = await exchange(code);
      expect(made).toBe(201);
      const { key, scopes } = sessionView.parse(body);
      expect(scopes).toEqual(['admin']);
      expect(await exchange(code)).toMatchObject({ status: 401 });
      const own = { headers: { 'x-api-key': key } };
      expect((await service.call('/v1/speakers', own)).status).toBe(200);
      await until(async () => JSON.stringify((await service.call('/v1/audit')).body).includes('session.opened'));
      const other = sessionView.parse((await exchange(await linkOf(service))).body).key;
      expect((await service.call('/v1/sign-in', { method: 'DELETE', ...own })).status).toBe(204);
      expect((await service.call('/v1/speakers', own)).status).toBe(401);
      expect(JSON.stringify(service.log)).not.toContain(code);
      return other;
    });
    await withService({ dataDir }, async (service) => {
      expect((await service.call('/v1/speakers', { headers: { 'x-api-key': session } })).status).toBe(401);
    });
  });

  test('is worth nothing after ten minutes', async () => {
    await withService({}, async (service) => {
      const madeBefore = async (milliseconds: number): Promise<string> => {
        const then = Date.now() - milliseconds;
        const clock = jest.spyOn(Date, 'now').mockImplementation(() => then);
        return linkOf(service).finally(() => clock.mockRestore());
      };
      const tried = async (code: string): Promise<number> => {
        const headers = { 'x-sign-in-code': code };
        return (await service.anonymously('/v1/sign-in', { method: 'POST', headers })).status;
      };
      expect(await tried(await madeBefore(10 * 60_000))).toBe(401);
      expect(await tried(await madeBefore(9 * 60_000))).toBe(201);
    });
  });

  test('is printed where it was asked for, on standard output and not in the log', async () => {
    for (const words of [['--sign-in-link'], []]) {
      const dataDir = await mkdtemp(workshop.path('serve-'));
      const { port } = await freePort();
      const env = { TIMBRE_DATA_DIR: dataDir, PORT: String(port), EMBEDDING_SERVICE_PORT: 'off', TIMBRE_MODEL: model };
      const stop = new AbortController();
      const ran = timbre(['serve', ...words], { env, signal: stop.signal });
      try {
        const ready = (): Promise<Response | null> => fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null);
        const ended = ran.then(({ stderr }) => Promise.reject(new Error(stderr)));
        await Promise.race([until(async () => (await ready())?.ok === true, 50), ended]);
      } finally {
        stop.abort();
      }
      const { stdout, stderr } = await ran;
      expect(stderr).toContain('the API listens on');
      expect([words, /#sign-in=[\w-]{43}\n/.test(stdout), stderr.includes('sign-in=')]).toEqual([
        words,
        words.length > 0,
        false,
      ]);
    }
  }, 120_000);

  async function linkOf(service: TestService): Promise<string> {
    const { body } = await service.call('/v1/sign-in/links', { method: 'POST' });
    return (body as { path: string }).path.slice('/#sign-in='.length);
  }

  test('is made by whoever has a key for everything, and nobody else', async () => {
    await withService({}, async (service) => {
      expect((await service.anonymously('/v1/sign-in/links', { method: 'POST' })).status).toBe(401);
      const made = await timbre(['keys', 'create', '--name', 'x', '--scope', 'enrol', '--data-dir', service.dataDir]);
      const init = { method: 'POST', headers: { 'x-api-key': made.stdout.trim() } };
      expect((await service.call('/v1/sign-in/links', init)).status).toBe(403);
    });
  });
});

test('a refused key is logged by its id and the address, once for a flood, and never in full', async () => {
  await withService({}, async (service) => {
    const wrong = `${service.key.slice(0, -2)}xx`;
    for (let i = 0; i < 20; i++) {
      const headers = { 'x-api-key': wrong, 'x-forwarded-for': `203.0.113.9 ${'z'.repeat(500)}` };
      expect((await service.call('/v1/info', { headers })).status).toBe(401);
    }
    const lines = service.log.filter(({ room }) => room === 'Access');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ key: service.key.split('_')[1], address: '127.0.0.1', code: 'UNAUTHENTICATED' });
    expect(String(lines[0]!['saysForwardedFor']).length).toBeLessThanOrEqual(82);
    expect(JSON.stringify(service.log)).not.toContain(wrong.slice(17));
  });
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { ApiController } from '../../src/service/access/api-controller.js';
import { newApiKey } from '../../src/service/access/api-key.js';
import type { Scope } from '../../src/support/scopes.js';
import { errorBody } from '../../src/service/http/api-errors.js';
import type { ConfigInput } from '../../src/service/config/config.js';
import { addressOf } from '../../src/service/http/listen.js';
import { TimbreModule } from '../../src/service/nest.js';
import { timbre } from '../cli/support.js';
import { databaseEnv, dataBeside, databaseSettings } from '../integration/stores.js';
import { RawClient } from './raw-client.js';
import { TestService, until, wav, Workshop } from './support.js';

interface Operation {
  operationId: string;
  security?: object[];
  responses: Record<string, unknown>;
  'x-scope'?: string;
}

let workshop: Workshop;
let model: string;
let dataDir: string;
let service: TestService;
const keys = new Map<string, string>();

/** As an operator makes it: beside the service, which may be running. */
async function makeKey(folder: string, ...scopes: Scope[]): Promise<string> {
  const words = scopes.flatMap((scope) => ['--scope', scope]);
  const { status, stdout, stderr } = await timbre(
    ['keys', 'create', '--name', 'test', ...words, '--data-dir', folder],
    {
      env: databaseEnv(folder),
    },
  );
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return stdout.trim();
}

function withKey(key: string, init: RequestInit = {}): RequestInit {
  return { ...init, headers: { authorization: `Bearer ${key}` } };
}

async function refusal(answer: ReturnType<TestService['call']>): Promise<[number, string]> {
  const { status, body } = await answer;
  return [status, errorBody.parse(body).code];
}

async function started(settings: ConfigInput): Promise<TestService> {
  const other = await TestService.start(workshop, { model, sidecarPort: 'off', ...settings });
  await other.service.ready();
  return other;
}

beforeAll(async () => {
  workshop = await Workshop.open();
  model = await workshop.bundle();
  dataDir = await mkdtemp(workshop.path('keyed-'));
  for (const scope of ['read', 'enrol', 'admin'] as const) keys.set(scope, await makeKey(dataDir, scope));
  keys.set('not admin', await makeKey(dataDir, 'read', 'enrol'));
  service = await TestService.start(workshop, { model, dataDir, host: '0.0.0.0' });
  await service.service.ready();
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

const keyOf = (name: string): string => keys.get(name)!;

describe('a service that others can reach', () => {
  test('starts with the local key alone', async () => {
    const other = await started({ host: '0.0.0.0' });
    try {
      expect(await other.call('/v1/speakers')).toMatchObject({ status: 200 });
      expect(await refusal(other.anonymously('/v1/speakers'))).toEqual([401, 'UNAUTHENTICATED']);
    } finally {
      await other.close();
    }
  });

  test('does not start when told to ask for none', async () => {
    for (const requireKeys of ['never', 'application']) {
      const open = TestService.start(workshop, { model, host: '0.0.0.0', requireKeys });
      await expect(open).rejects.toMatchObject({ message: expect.stringContaining('TIMBRE_REQUIRE_KEYS') });
    }
  });

  test.each<[string, Record<string, string>]>([
    ['no key', {}],
    ['an unknown key', { authorization: `Bearer tmb_0123456789ab_${'x'.repeat(43)}` }],
    ['half a key', { authorization: 'Bearer tmb_0123456789ab' }],
    ['an empty key', { 'x-api-key': '' }],
    ['a password', { authorization: 'Basic dXNlcjpwYXNzd29yZA==' }],
    ['the token of another program', { authorization: 'Bearer eyJhbGciOi.e30.x' }],
  ])('refuses %s', async (_, headers) => {
    const answer = await service.anonymously('/v1/info', { headers });
    expect([answer.status, errorBody.parse(answer.body).code]).toEqual([401, 'UNAUTHENTICATED']);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="timbre"');
  });

  test('refuses a key of which one character is wrong, and two keys at once', async () => {
    const key = keyOf('read');
    const other = key.endsWith('A') ? 'B' : 'A';
    for (const headers of [
      { 'x-api-key': key.slice(0, -1) + other },
      { 'x-api-key': key, authorization: `Bearer ${keyOf('admin')}` },
    ]) {
      expect(await refusal(service.call('/v1/info', { headers }))).toEqual([401, 'UNAUTHENTICATED']);
    }
  });

  test('takes a key in either header', async () => {
    for (const headers of [
      { authorization: `Bearer ${keyOf('read')}` },
      { authorization: `bearer  ${keyOf('read')}` },
      { 'x-api-key': keyOf('read') },
      { 'x-api-key': keyOf('read'), authorization: 'Basic dXNlcjpwYXNzd29yZA==' },
    ]) {
      expect(await service.call('/v1/info', { headers })).toMatchObject({ status: 200 });
    }
  });

  test('reads no body of whoever has no key', async () => {
    for (const type of ['multipart/form-data; boundary=x', 'application/json']) {
      const client = await RawClient.post({ url: service.url }, '/v1/speakers', {
        'content-type': type,
        'content-length': '1000',
      });
      expect(await client.reply()).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
      client.destroy();
    }
    expect(await service.uploads()).toEqual([]);
  });

  test('answers what needs no key', async () => {
    for (const path of ['/', '/health/live', '/health/ready', '/docs', '/docs/openapi.json']) {
      expect([path, (await fetch(service.url + path)).status]).toEqual([path, 200]);
    }
    expect((await fetch(`${service.url}/metrics`)).status).toBe(401);
    expect((await service.fetch('/metrics', withKey(keyOf('read')))).status).toBe(200);
  });

  test("asks for a key on the sidecar's port too", async () => {
    const { sidecarUrl } = service.service;
    const body = JSON.stringify({ embedding1: [1, 0], embedding2: [1, 0] });
    const call = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${sidecarUrl}/compute-similarity`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      });
    const refused = await call({});
    expect([refused.status, await refused.json()]).toEqual([401, { error: expect.stringContaining('API key') }]);
    expect((await call({ 'x-api-key': keyOf('read') })).status).toBe(200);
    expect((await fetch(`${sidecarUrl}/health`)).status).toBe(200);
  });
});

test('the page is found below a prefix, with and without the slash at its end', async () => {
  const other = await started({ basePath: '/voices' });
  try {
    const { origin } = new URL(other.url);
    const plain = await fetch(`${origin}/voices?x`, { redirect: 'manual' });
    expect([plain.status, new URL(plain.headers.get('location')!, plain.url).pathname]).toEqual([308, '/voices/']);
    const page = await fetch(`${origin}/voices/?x`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const policy = page.headers.get('content-security-policy')!;
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe');
    const script = /src="[.]([^"]+[.]js)"/.exec(await page.text())![1]!;
    for (const encoding of ['br', 'gzip', 'identity']) {
      const file = await fetch(`${origin}/voices${script}`, { headers: { 'accept-encoding': encoding } });
      expect([file.status, file.headers.get('content-encoding') ?? 'identity']).toEqual([200, encoding]);
      expect(file.headers.get('cache-control')).toContain('immutable');
      expect(await file.text()).toContain('createRoot');
    }
    for (const wrong of [
      '/voices/assets/nope.js',
      '/voices/assets/..%2findex.html',
      '/voices/assets/..%2f..%2fcli%2fmain.js',
      '/',
    ]) {
      expect([wrong, (await fetch(origin + wrong)).status]).toEqual([wrong, 404]);
    }
  } finally {
    await other.close();
  }
});

test('every call says what it needs, and needs it', async () => {
  const { body } = await service.call('/docs/openapi.json');
  const { paths } = body as { paths: Record<string, Record<string, Operation>> };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  expect(operations.length).toBeGreaterThan(15);
  /** A key that lacks just this scope. */
  const lacking: Record<string, string> = { read: 'enrol', enrol: 'read', admin: 'not admin' };
  for (const { path, method, operation } of operations) {
    const { operationId, responses, security, 'x-scope': scope } = operation;
    expect([operationId, scope]).toEqual([operationId, expect.stringMatching(/^(public|read|enrol|admin)$/)]);
    const target = path.replaceAll(/\{\w+\}/g, 'nobody');
    if (scope === 'public') {
      expect(security).toBeUndefined();
      if (operationId !== 'signIn') expect((await fetch(service.url + target, { method })).status).not.toBe(401);
      continue;
    }
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['401', '403', '429']));
    expect(security).toContainEqual({ bearer: [] });
    expect([operationId, ...(await refusal(service.anonymously(target, { method })))]).toEqual([
      operationId,
      401,
      'UNAUTHENTICATED',
    ]);
    const init = withKey(keyOf(lacking[scope!]!), { method });
    expect([operationId, ...(await refusal(service.call(target, init)))]).toEqual([
      operationId,
      403,
      'FORBIDDEN_SCOPE',
    ]);
  }
});

test('a call that says nothing needs admin', async () => {
  @ApiController('v1/forgotten', 'Test')
  class ForgottenController {
    @Get()
    get(): object {
      return {};
    }
  }
  const folder = await mkdtemp(workshop.path('forgotten-'));
  const [admin, other] = [await makeKey(folder, 'admin'), await makeKey(folder, 'read', 'enrol', 'vectors')];
  @Module({
    imports: [TimbreModule.forRoot({ model, dataDir: folder, controllers: [], ...databaseSettings(folder) })],
    controllers: [ForgottenController],
  })
  class Host {}
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest takes plain objects
  const app = await NestFactory.create(Host, new FastifyAdapter(), { logger: false });
  try {
    await app.listen(0, '127.0.0.1');
    const statuses = [undefined, other, admin].map(async (key) => {
      const headers: Record<string, string> = key === undefined ? {} : { 'x-api-key': key };
      return (await fetch(`${addressOf(app)}/v1/forgotten`, { headers })).status;
    });
    expect(await Promise.all(statuses)).toEqual([401, 403, 200]);
  } finally {
    await app.close();
  }
});

test('admin may do everything', async () => {
  for (const path of ['/v1/info', '/v1/speakers', '/metrics']) {
    expect([path, (await service.fetch(path, withKey(keyOf('admin')))).status]).toEqual([path, 200]);
  }
});

describe('keys of a running service', () => {
  test('work when they are made and not when they are revoked', async () => {
    const key = await makeKey(dataDir, 'read');
    const call = async (): Promise<number> => (await service.fetch('/v1/info', withKey(key))).status;
    await until(async () => (await call()) === 200);
    const { status } = await timbre(['keys', 'revoke', key.split('_')[1]!, '--data-dir', dataDir], {
      env: databaseEnv(dataDir),
    });
    expect(status).toBe(0);
    await until(async () => (await call()) === 401);
    const { body } = await service.call('/v1/info', withKey(key));
    expect(errorBody.parse(body).message).toContain('revoked');
  });

  test('do not work when they have expired', async () => {
    const store = (await (await dataBeside(dataDir)).keysIfThere())!;
    const made = new Date(Date.now() - 10_000);
    const { key, text } = newApiKey(
      { name: 'old', scopes: ['admin'], expiresAt: new Date(made.getTime() + 5000) },
      made,
    );
    await store.insert(key);
    await store.close();
    await until(async () => JSON.stringify((await service.call('/v1/info', withKey(text))).body).includes('expired'));
    expect((await service.fetch('/v1/info', withKey(text))).status).toBe(401);
  });

  test('have the day of their last use', async () => {
    await service.call('/v1/info', withKey(keyOf('read')));
    const id = keyOf('read').split('_')[1];
    await until(async () => {
      const { stdout } = await timbre(['keys', 'list', '--json', '--data-dir', dataDir], { env: databaseEnv(dataDir) });
      const found = JSON.parse(stdout) as { id: string; lastUsedOn: string | null }[];
      return /^\d{4}-\d\d-\d\d$/.test(found.find((key) => key.id === id)?.lastUsedOn ?? '');
    });
  });

  test('are in no line of the log, wherever a client puts them', async () => {
    const folder = await mkdtemp(workshop.path('logged-'));
    const key = await makeKey(folder, 'admin');
    // Nest logs to the application that was made last.
    const logged = await started({ dataDir: folder, host: '0.0.0.0' });
    try {
      await logged.call(`/v1/speakers/${key}`, withKey(key));
      await logged.call(`/nowhere/${key}?key=${key}`, withKey(key));
      await logged.call('/v1/info', withKey(`${key.slice(0, -1)}x`));
      const lines = JSON.stringify(logged.log);
      expect(lines).toContain('GET /v1/speakers/:id 404');
      expect(lines).toContain('[Redacted]');
      expect(lines).not.toContain(key.slice(17, -1));
    } finally {
      await logged.close();
    }
  });
});

describe('a service for this machine alone', () => {
  test('asks for a key all the same, and takes the local one', async () => {
    const open = await started({});
    try {
      expect(await refusal(open.anonymously('/v1/info'))).toEqual([401, 'UNAUTHENTICATED']);
      expect(await open.call('/v1/info')).toMatchObject({ status: 200 });
      expect(await refusal(open.call('/v1/info', withKey(keyOf('read'))))).toEqual([401, 'UNAUTHENTICATED']);
    } finally {
      await open.close();
    }
  });

  test('asks for keys on both ports when it is told to', async () => {
    const asking = await started({ requireKeys: 'always', openMetrics: 'on', sidecarPort: 0 });
    try {
      expect(await refusal(asking.anonymously('/v1/info'))).toEqual([401, 'UNAUTHENTICATED']);
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
      expect((await fetch(`${asking.service.sidecarUrl}/compute-similarity`, init)).status).toBe(401);
      expect((await fetch(`${asking.url}/metrics`)).status).toBe(200);
    } finally {
      await asking.close();
    }
  });
});

test('the sidecar can be opened to clients that know no keys', async () => {
  const folder = await mkdtemp(workshop.path('open-sidecar-'));
  const key = await makeKey(folder, 'read');
  const open = await started({ dataDir: folder, host: '0.0.0.0', sidecarPort: 0, openSidecar: 'on' });
  try {
    const body = JSON.stringify({ embedding1: [1, 0], embedding2: [1, 0] });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    expect((await fetch(`${open.service.sidecarUrl}/compute-similarity`, init)).status).toBe(200);
    expect((await open.anonymously('/v1/info')).status).toBe(401);
    expect((await open.fetch('/v1/info', withKey(key))).status).toBe(200);
  } finally {
    await open.close();
  }
});

describe('more requests than allowed', () => {
  test('are refused by key, with the time to wait', async () => {
    const folder = await mkdtemp(workshop.path('rate-'));
    const [busy, quiet] = [await makeKey(folder, 'read'), await makeKey(folder, 'read')];
    const limited = await started({ dataDir: folder, host: '0.0.0.0', rateLimit: 4 });
    try {
      for (let i = 0; i < 4; i++) expect((await limited.fetch('/v1/info', withKey(busy))).status).toBe(200);
      const refused = await limited.call('/v1/info', withKey(busy));
      expect([refused.status, errorBody.parse(refused.body).code]).toEqual([429, 'RATE_LIMITED']);
      expect(refused.headers.get('retry-after')).toMatch(/^([1-9]|[1-5]\d|60)$/);
      expect((await limited.fetch('/v1/info', withKey(quiet))).status).toBe(200);
      expect((await limited.fetch('/health/live')).status).toBe(200);
      // Guessing counts by address, whichever the request says it is from, and costs no key anything.
      const guess = (i: number): ReturnType<TestService['call']> => {
        const address = `203.0.113.${i}`;
        const headers = { 'x-forwarded-for': address, 'x-real-ip': address, forwarded: `for=${address}` };
        const key = i % 2 === 0 ? {} : { 'x-api-key': `tmb_0123456789ab_${String(i).repeat(43)}` };
        return limited.anonymously('/v1/info', { headers: { ...headers, ...key } });
      };
      for (let i = 0; i < 4; i++) expect((await guess(i)).status).toBe(401);
      expect(await refusal(guess(4))).toEqual([429, 'RATE_LIMITED']);
      expect((await limited.fetch('/v1/info', withKey(quiet))).status).toBe(200);
    } finally {
      await limited.close();
    }
  });

  test('are refused by address where no key is needed', async () => {
    const limited = await started({ rateLimit: 2, requireKeys: 'never' });
    try {
      const answers = [];
      for (let i = 0; i < 3; i++) answers.push((await limited.anonymously('/v1/info')).status);
      expect(answers).toEqual([200, 200, 429]);
      // Counted once, whether a body is read before the route is known or not.
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
      expect(await refusal(limited.anonymously('/v1/speakers', init))).toEqual([429, 'RATE_LIMITED']);
    } finally {
      await limited.close();
    }
  });
});

describe('for browsers', () => {
  test('answers are data, and the documentation runs nothing but its own files', async () => {
    for (const path of ['/v1/info', '/health/live', '/nowhere', '/v1/speakers/%ff']) {
      const { headers } = await service.fetch(path);
      expect([path, headers.get('content-security-policy')]).toEqual([
        path,
        "default-src 'none';frame-ancestors 'none'",
      ]);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-powered-by')).toBeNull();
    }
    const page = await service.fetch('/docs');
    expect(page.headers.get('content-security-policy')).toMatch(/script-src 'self';/);
    expect(page.headers.get('content-security-policy')).toMatch(/connect-src 'self';/);
    const html = await page.text();
    expect(html).not.toMatch(/<script>|<style|\son\w+=|javascript:/);
    expect((await service.fetch('/docs/swagger-ui.css')).headers.get('cache-control')).toBe('public, max-age=3600');
  });

  const preflight = (of: TestService, origin: string): Promise<Response> =>
    of.fetch('/v1/speakers', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-api-key' },
    });

  test('no page of another origin may call, unless it is named', async () => {
    const refused = await preflight(service, 'https://app.example');
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();

    const shared = await started({ corsOrigins: 'https://app.example, http://localhost:5173' });
    try {
      const allowed = await preflight(shared, 'https://app.example');
      expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([
        204,
        'https://app.example',
      ]);
      expect(allowed.headers.get('access-control-allow-headers')).toMatch(/x-api-key.*idempotency-key/);
      expect(allowed.headers.get('access-control-allow-credentials')).toBeNull();
      const other = await preflight(shared, 'https://evil.example');
      expect(other.headers.get('access-control-allow-origin')).not.toBe('https://evil.example');
      const called = await shared.fetch('/v1/info', { headers: { origin: 'https://app.example' } });
      expect([called.status, called.headers.get('access-control-allow-origin')]).toEqual([200, 'https://app.example']);
    } finally {
      await shared.close();
    }
  });
});

describe('commands that ask a service', () => {
  test('send the key of a file or of a variable', async () => {
    const url = service.url;
    await writeFile(workshop.path('read.key'), `${keyOf('read')}\n`);
    const list = ['speakers', 'list', '--json', '--url', url];
    expect(await timbre([...list, '--key-file', workshop.path('read.key')])).toMatchObject({ status: 0 });
    expect(await timbre(list, { env: { TIMBRE_API_KEY: keyOf('read') } })).toMatchObject({ status: 0 });
    expect(await timbre(list, { env: { TIMBRE_API_KEY_FILE: workshop.path('read.key') } })).toMatchObject({
      status: 0,
    });
    const none = await timbre(list);
    expect(none).toMatchObject({ status: 10, stdout: '' });
    expect(none.stderr).toContain('UNAUTHENTICATED');
    expect(await timbre([...list, '--key-file', workshop.path('gone.key')])).toMatchObject({ status: 2 });
    expect(
      await timbre(['speakers', 'add', 'x', '--url', url], { env: { TIMBRE_API_KEY: keyOf('read') } }),
    ).toMatchObject({ status: 54 });
  });
});

test('who has a key may do what its scopes say', async () => {
  const headers = { 'content-type': 'application/json', 'x-api-key': keyOf('enrol') };
  const init = { method: 'POST', headers, body: JSON.stringify({ id: 'kim' }) };
  expect(await service.call('/v1/speakers', init)).toMatchObject({ status: 201 });
  expect(await service.call('/v1/speakers/kim', withKey(keyOf('read')))).toMatchObject({ status: 200 });
  expect(await service.call('/v1/speakers/kim', withKey(keyOf('admin'), { method: 'DELETE' }))).toMatchObject({
    status: 200,
  });
  const form = new FormData();
  form.append('audio', new Blob([new Uint8Array(wav(1))]), 'a.wav');
  expect(await service.call('/v1/embeddings', withKey(keyOf('read'), { method: 'POST', body: form }))).toMatchObject({
    status: 200,
  });
});

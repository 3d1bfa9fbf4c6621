import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { TestService, until, wav, Workshop } from '../e2e/support.js';

/** The service behind the proxies of docs/proxies.md, and behind ones that somebody set up without reading it. */

const file = (name: string): string => fileURLToPath(new URL(`../../scripts/proxy/${name}`, import.meta.url));

let workshop: Workshop;
let model: string;
let tls: { cert: string; key: string };
const running: ChildProcess[] = [];

beforeAll(async () => {
  workshop = await Workshop.open();
  model = await workshop.bundle();
  tls = { cert: workshop.path('cert.pem'), key: workshop.path('key.pem') };
  const subject = ['-subj', '/CN=voices.example', '-addext', 'subjectAltName=DNS:voices.example'];
  const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', ...subject];
  execFileSync('openssl', [...words, '-keyout', tls.key, '-out', tls.cert], { stdio: 'ignore' });
});

afterEach(async () => {
  for (const child of running.splice(0)) {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
});

afterAll(() => workshop.remove());

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** nginx with one server block, until the test ends. */
async function nginx(port: number, server: string): Promise<void> {
  const folder = workshop.path(`nginx-${port}`);
  await mkdir(folder);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const user = process.geteuid?.() === 0 ? 'user root;' : '';
  await writeFile(
    `${folder}/nginx.conf`,
    `${user} daemon off; master_process off; pid ${folder}/pid; error_log stderr; events {}
     http { access_log off; ${paths.join(' ')} ${server} }`,
  );
  await started('nginx', ['-p', folder, '-c', `${folder}/nginx.conf`], port);
}

async function started(program: string, words: string[], port: number, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
  running.push(child);
  let said = '';
  child.stderr.on('data', (chunk) => (said += String(chunk)));
  child.on('error', (error) => (said += error.message));
  await until(async () => {
    if (child.exitCode !== null || child.pid === undefined) throw new Error(`${program} ended: ${said}`);
    return (await plain(port, '/').catch(() => 0)) !== 0;
  });
}

/** Status of a plain request. */
function plain(port: number, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end();
  });
}

interface Ask {
  key?: string;
  method?: string;
  body?: Buffer;
  type?: string;
}

/** Status and text of a request over TLS to voices.example. */
function ask(port: number, path: string, { key, method = 'GET', body, type }: Ask = {}): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string> = { host: 'voices.example' };
    if (key) headers['x-api-key'] = key;
    if (type) headers['content-type'] = type;
    if (body) headers['content-length'] = String(body.length);
    const options = { host: '127.0.0.1', port, path, method, headers, servername: 'voices.example' };
    const sent = request({ ...options, rejectUnauthorized: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += String(chunk)));
      response.on('end', () => resolve([response.statusCode ?? 0, text]));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function withService(
  settings: object,
  work: (service: TestService, port: string) => Promise<void>,
): Promise<void> {
  const service = await TestService.start(workshop, { model, ...settings });
  try {
    await service.service.ready();
    await work(service, new URL(service.url).port);
  } finally {
    await service.close();
  }
}

/** What an outsider did behind a plain `proxy_pass`. */
const TAKEN = [
  ['GET', '/v1/audit'],
  ['GET', '/v1/speakers/ada/export?vectors=true'],
  ['DELETE', '/v1/speakers/ada'],
  ['POST', '/v1/data-key/rotation'],
] as const;

describe.each([
  ['proxy_pass and nothing else', ''],
  ['the real address', 'proxy_set_header X-Real-IP $remote_addr;'],
  ['HTTP/1.1 and the host', 'proxy_http_version 1.1; proxy_set_header Host $http_host;'],
  ['HTTP/1.1 and a forwarding header', 'proxy_http_version 1.1; proxy_set_header X-Forwarded-For $remote_addr;'],
])('behind nginx with %s', (_, lines) => {
  test('an outsider reaches nothing that is stored, with keys or in the keyless mode', async () => {
    for (const [requireKeys, refused] of [
      ['auto', 401],
      ['never', 403],
    ] as const) {
      await withService({ requireKeys }, async (service, upstream) => {
        await service.postJson('/v1/speakers', { id: 'ada' });
        const port = await freePort();
        await nginx(
          port,
          `server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${upstream}; ${lines} } }`,
        );
        for (const [method, path] of TAKEN) {
          const host = { host: 'voices.example' };
          expect([requireKeys, path, await plain(port, path, host, method)]).toEqual([requireKeys, path, refused]);
        }
        expect((await service.call('/v1/speakers/ada')).status).toBe(200);
      });
    }
  });

  test("nor the sidecar's calls", async () => {
    await withService({}, async (service) => {
      const port = await freePort();
      const upstream = new URL(service.service.sidecarUrl!).port;
      await nginx(
        port,
        `server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${upstream}; ${lines} } }`,
      );
      expect(await plain(port, '/extract-embedding', { host: 'voices.example' }, 'POST')).toBe(403);
    });
  });
});

describe.each(['nginx', 'Caddy'])('behind %s as docs/proxies.md has it', (proxy) => {
  async function behind(upstream: string): Promise<number> {
    const port = await freePort();
    if (proxy === 'nginx') {
      const text = await readFile(file('nginx.conf'), 'utf8');
      const own = text
        .replace('listen 443 ssl http2', `listen 127.0.0.1:${port} ssl http2`)
        .replace('/etc/ssl/timbre/fullchain.pem', tls.cert)
        .replace('/etc/ssl/timbre/key.pem', tls.key)
        .replace('127.0.0.1:3000', `127.0.0.1:${upstream}`);
      await nginx(port, own);
    } else {
      const text = await readFile(file('Caddyfile'), 'utf8');
      const own = text
        .replace(
          /^voices\.example \{/m,
          `https://voices.example:${port} {\n\tbind 127.0.0.1\n\ttls ${tls.cert} ${tls.key}`,
        )
        .replace('127.0.0.1:3000', `127.0.0.1:${upstream}`);
      const path = workshop.path(`Caddyfile-${port}`);
      await writeFile(path, `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${own}`);
      const env = { XDG_DATA_HOME: workshop.folder, XDG_CONFIG_HOME: workshop.folder, HOME: workshop.folder };
      await started('caddy', ['run', '--config', path, '--adapter', 'caddyfile'], port, env);
    }
    return port;
  }

  test('who has a key is served, uploads and events included, and nobody else', async () => {
    await withService({ sidecarPort: 'off' }, async (service, upstream) => {
      const port = await behind(upstream);
      const { key } = service;
      for (const [method, path] of TAKEN) expect((await ask(port, path, { method }))[0]).toBe(401);
      expect((await ask(port, '/v1/speakers', { key }))[0]).toBe(200);
      const head = '--x\r\ncontent-disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n';
      const body = Buffer.concat([Buffer.from(head), wav(60), Buffer.from('\r\n--x--\r\n')]);
      const type = 'multipart/form-data; boundary=x';
      const [status, text] = await ask(port, '/v1/embeddings', { key, method: 'POST', body, type });
      expect([status, text.slice(0, 200)]).toEqual([200, expect.stringContaining('"dimension":32')]);
      const items = JSON.stringify({ createSpeakers: true, items: [{ speakerId: 'ada', path: '/nowhere.wav' }] });
      const json = { key, method: 'POST', body: Buffer.from(items), type: 'application/json' };
      const made = JSON.parse((await ask(port, '/v1/training-sessions', json))[1]) as { id: string };
      expect((await ask(port, `/v1/jobs/${made.id}/events`, { key }))[1]).toContain('event: end');
      expect(service.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
    });
  });
});

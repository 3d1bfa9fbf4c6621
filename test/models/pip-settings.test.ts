import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipSettings } from '../../src/models/pip-settings.js';

let folder: string;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-pip-'));
  env = { HOME: join(folder, 'home'), XDG_CONFIG_DIRS: join(folder, 'xdg'), PIP_CONFIG_FILE: join(folder, 'own.conf') };
  await write('own.conf', '');
});

afterEach(() => rm(folder, { recursive: true }));

async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), text);
}

test('without a configuration the one index is the default of pip', async () => {
  const { indexes, links } = await pipSettings({ PIP_CONFIG_FILE: '/dev/null' });
  expect(indexes).toEqual([expect.stringMatching(/^https:\/\/[^/]+\/simple$/)]);
  expect(links).toEqual([]);
});

test('without a configuration and without pip there is no index', async () => {
  expect(await pipSettings({ PIP_CONFIG_FILE: '/dev/null', PATH: folder })).toEqual({ indexes: [], links: [] });
});

test('files are read in the order of pip: system, user, virtual environment, PIP_CONFIG_FILE, variables', async () => {
  const index = (name: string): string => `[global]\nindex-url = http://${name}.example/simple\n`;
  const found = async (): Promise<string> => (await pipSettings(env)).indexes[0]!;
  await write('xdg/pip/pip.conf', index('system'));
  await write('home/.pip/pip.conf', index('legacy'));
  expect(await found()).toBe('http://legacy.example/simple');
  await write('home/.config/pip/pip.conf', index('user'));
  expect(await found()).toBe('http://user.example/simple');
  await write('venv/pip.conf', index('environment'));
  env['VIRTUAL_ENV'] = join(folder, 'venv');
  expect(await found()).toBe('http://environment.example/simple');
  await write('own.conf', index('own'));
  expect(await found()).toBe('http://own.example/simple');
  env['PIP_INDEX_URL'] = 'http://variable.example/simple';
  expect(await found()).toBe('http://variable.example/simple');
  env['PIP_CONFIG_FILE'] = '/dev/null';
  delete env['PIP_INDEX_URL'];
  expect(await found()).not.toContain('example');
});

test('values of several lines, other spellings, comments and sections of other commands', async () => {
  await write(
    'own.conf',
    `# a comment
[download]
cert = /etc/certificates.pem
[global]
index_url: http://one.example/simple
Extra-Index-URL =
    http://two.example/simple
    ; a comment
    http://three.example/simple file:///srv/simple
find-links = /srv/wheels http://links.example/
cert = /etc/others.pem
[wheel]
index-url = http://wheel.example/simple
`,
  );
  expect(await pipSettings(env)).toEqual({
    indexes: ['http://one.example/simple', 'http://two.example/simple', 'http://three.example/simple'],
    links: ['http://links.example/'],
    cert: '/etc/certificates.pem',
  });
});

test('no-index leaves the pages with links', async () => {
  expect(
    await pipSettings({
      ...env,
      PIP_NO_INDEX: '1',
      PIP_INDEX_URL: 'http://a.example',
      PIP_FIND_LINKS: 'http://b.example',
    }),
  ).toMatchObject({ indexes: [], links: ['http://b.example'] });
});

test('a file that is named and not there is an error', async () => {
  await expect(pipSettings({ ...env, PIP_CONFIG_FILE: join(folder, 'none.conf') })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('none.conf') as unknown,
  });
});

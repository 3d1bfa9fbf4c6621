import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CHECKPOINT = join(ROOT, 'test', 'fixtures', 'checkpoints', 'speechbrain-c16.ckpt');
/** Compiling takes minutes: `TIMBRE_TEST_PACKAGE_BUILD=1` has the installed package build its own addon. */
const BUILDS = process.env['TIMBRE_TEST_PACKAGE_BUILD'] === '1';

/** Another project, into which the tarball is installed. */
let project: string;
let installed: string;
let packed: { path: string; size: number }[];

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

async function run(program: string, words: string[], cwd: string, env: NodeJS.ProcessEnv = clean()): Promise<Ended> {
  try {
    return { code: 0, ...(await promisify(execFile)(program, words, { cwd, env, maxBuffer: 1e8 })) };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

/** Without what npm and jest tell the programs that they start. */
function clean(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|INIT_CWD|MODEL_)/i.test(name)),
  );
}

interface LockFile {
  packages: Record<string, Record<string, unknown>>;
}

beforeAll(async () => {
  if (!existsSync(join(ROOT, 'dist', 'addon', 'index.js'))) throw new Error('dist/ is not built: run `npm run build`');
  project = await mkdtemp(join(tmpdir(), 'timbre-package-'));
  const words = ['pack', '--json', '--ignore-scripts', '--pack-destination', project];
  const [tarball] = JSON.parse((await run('npm', words, ROOT)).stdout) as [
    { filename: string; integrity: string; files: { path: string; size: number }[] },
  ];
  packed = tarball.files;

  // The lock file makes the installation the same every time, and needs nothing of a registry that npm has kept.
  const { packages } = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as LockFile;
  const { '': own, ...others } = packages;
  const dependencies = { 'timbre-voice': `file:${tarball.filename}` };
  const { dependencies: needed, version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  const entry = {
    version,
    resolved: `file:${tarball.filename}`,
    integrity: tarball.integrity,
    dependencies: needed,
    bin: own?.['bin'],
  };
  const needless = ([, { dev }]: [string, Record<string, unknown>]): boolean => dev !== true;
  const lock = {
    name: 'project',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: 'project', dependencies },
      'node_modules/timbre-voice': entry,
      ...Object.fromEntries(Object.entries(others).filter(needless)),
    },
  };
  await writeFile(
    join(project, 'package.json'),
    JSON.stringify({ name: 'project', private: true, type: 'module', dependencies }),
  );
  await writeFile(join(project, 'package-lock.json'), JSON.stringify(lock));
  const install = ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  const { code, stderr } = await run('npm', install, project);
  if (code !== 0) throw new Error(`npm ci: ${stderr}`);
  installed = join(project, 'node_modules', 'timbre-voice');
}, 300_000);

afterAll(() => rm(project, { recursive: true, force: true }));

/** Runs a module of the project. */
async function runScript(source: string, env?: NodeJS.ProcessEnv): Promise<Ended> {
  const script = join(project, 'script.mjs');
  await writeFile(script, source);
  return run(process.execPath, [script], project, env);
}

describe('the tarball', () => {
  test('has what is needed to use it and to build its addon', () => {
    const paths = packed.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'THIRD_PARTY_LICENSES.md',
        'CMakeLists.txt',
        'dist/addon/index.js',
        'dist/addon/index.d.ts',
        'dist/cli/main.js',
        'models/requirements.txt',
        'models/requirements-cuda.txt',
        'models/skeletons/speechbrain.pt',
        'native/CMakeLists.txt',
        'native/binding/addon.cpp',
        'scripts/setup.mjs',
      ]),
    );
  });

  test('has nothing of the workshop', () => {
    const strange = packed
      .map(({ path }) => path)
      .filter((path) =>
        /^(test|bench|build|src|samples|node_modules|\.)|\.spec\.|\.map$|(^|\/)\.|__pycache__|models\/training/.test(
          path,
        ),
      );
    expect(strange).toEqual([]);
  });
});

describe('before the addon is built', () => {
  test('importing works; using it says how to build it', async () => {
    const { code, stdout, stderr } = await runScript(`
      import { SpeakerEncoder } from 'timbre-voice';
      const error = await SpeakerEncoder.load({ model: './a.pt' }).catch((error) => error);
      console.log(error.name, error.code, error.message);
    `);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^TimbreError ADDON_UNAVAILABLE .*npx timbre setup/);
  });

  test('`timbre setup --check` says that it is missing, and changes nothing', async () => {
    const before = await readdir(installed);
    const { code, stderr } = await run('npx', ['--no-install', 'timbre', 'setup', '--check'], project);
    expect(code).toBe(1);
    expect(stderr).toMatch(/addon .*NOT READY.*not built/);
    expect(stderr).not.toMatch(/typescript|samples/);
    expect(await readdir(installed)).toEqual(before);
  });
});

describe('without the packages of the service', () => {
  test('installing brings no framework', async () => {
    const names = await readdir(join(project, 'node_modules'));
    expect(names).toEqual(expect.arrayContaining(['commander', 'timbre-voice']));
    expect(names.filter((name) => /^(@nestjs|fastify|rxjs)$/.test(name))).toEqual([]);
  });

  test('commands that need no service work', async () => {
    const words = ['--no-install', 'timbre', 'models', 'list', '--json'];
    const { code, stdout, stderr } = await run('npx', words, project);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(expect.any(Object));
    expect(stdout).toContain('starter');
  });

  test.each([['serve'], ['keys', 'list'], ['backup', 'copy.sqlite']])(
    '`timbre %s` says in one sentence what it lacks',
    async (...words) => {
      const { code, stderr } = await run('npx', ['--no-install', 'timbre', ...words], project);
      expect(code).toBe(2);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      expect(stderr).toMatch(
        /the service needs packages that are not installed; run npm install '@nestjs\/common@\^12.*'rxjs@/,
      );
    },
  );
});

describe('with its addon', () => {
  beforeAll(async () => {
    if (BUILDS) {
      const env = { ...clean(), LIBTORCH: process.env['LIBTORCH'] ?? (await libTorch()) };
      const { code, stderr } = await run('npx', ['--no-install', 'timbre', 'setup'], project, env);
      if (code !== 0) throw new Error(stderr);
    } else {
      for (const name of ['timbre.node', 'timbre-decoder']) {
        const built = join('build', 'Release', name);
        await mkdir(dirname(join(installed, built)), { recursive: true });
        await cp(join(ROOT, built), join(installed, built));
      }
    }
  }, 1_200_000);

  async function libTorch(): Promise<string> {
    const lib = join(ROOT, '.venv', 'lib');
    const [python] = (await readdir(lib)).filter((name) => name.startsWith('python3'));
    return join(lib, python!, 'site-packages', 'torch');
  }

  test('it converts and embeds, with no program on the path and no framework to be found', async () => {
    // The entry of the in-process API depends on no other package.
    const modules = join(project, 'node_modules');
    for (const name of await readdir(modules)) {
      if (name !== 'timbre-voice') await rm(join(modules, name), { recursive: true });
    }
    const { code, stdout, stderr } = await runScript(
      `
        import { convertCheckpoint, cosine, SpeakerEncoder, TimbreError } from 'timbre-voice';
        const checkpoint = ${JSON.stringify(CHECKPOINT)};
        await convertCheckpoint({ checkpoint, family: 'speechbrain', id: 'tiny', out: './tiny.pt' });
        const encoder = await SpeakerEncoder.load({ model: './tiny.pt' });
        const samples = Float32Array.from({ length: 16000 }, (_, i) => Math.sin(i * i * 1e-6));
        const [a, b] = await encoder.embedBatch([{ samples, sampleRate: 16000 }, { samples, sampleRate: 16000 }]);
        await encoder.close();
        console.log(a.result.embedding.length, cosine(a.result, b.result).toFixed(6), new TimbreError('OVERLOADED', 'x').httpStatus);
      `,
      { PATH: '' },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trim()).toBe('32 1.000000 429');
  });

  test('its types serve a strict project', async () => {
    await writeFile(
      join(project, 'use.ts'),
      `
        import { SpeakerEncoder, TimbreError, type BatchItem, type EmbedResult } from 'timbre-voice';
        export async function use(signal: AbortSignal): Promise<Float32Array> {
          const encoder = await SpeakerEncoder.load({ model: 'starter', device: 'cuda:1', limits: { maxSeconds: 60 } });
          const result: EmbedResult = await encoder.embed('a.wav', { signal, timeoutMs: 1000 });
          const items: BatchItem[] = await encoder.embedBatch([Buffer.alloc(1), new URL('file:///a.wav')]);
          for (const item of items) if ('error' in item && item.error instanceof TimbreError) throw item.error;
          // @ts-expect-error: samples have a rate
          await encoder.embed({ samples: new Float32Array(8) });
          await encoder.close({ drainMs: 5 });
          return result.embedding;
        }
      `,
    );
    const types = {
      strict: true,
      noEmit: true,
      module: 'NodeNext',
      target: 'ES2023',
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules', '@types')],
    };
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: types, files: ['use.ts'] }));
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    expect(await run(process.execPath, [tsc, '-p', project], project)).toMatchObject({ code: 0, stdout: '' });
  });
});

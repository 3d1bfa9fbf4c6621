import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clean, Project, ROOT, run } from './project.js';

const CHECKPOINT = join(ROOT, 'test', 'fixtures', 'checkpoints', 'speechbrain-c16.ckpt');
/** Compiling takes minutes: `TIMBRE_TEST_PACKAGE_BUILD=1` has the installed package build its own addon. */
const BUILDS = process.env['TIMBRE_TEST_PACKAGE_BUILD'] === '1';

let project: Project;

beforeAll(async () => {
  project = await Project.install();
}, 600_000);

afterAll(() => project.remove());

describe('the tarball', () => {
  test('has what is needed to use it and to build its addon', () => {
    const paths = project.files.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'THIRD_PARTY_LICENSES.md',
        'CMakeLists.txt',
        'dist/index.js',
        'dist/client/index.js',
        'dist/client/index.d.ts',
        'dist/index.d.ts',
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
    const strange = project.files
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
    const { code, stdout, stderr } = await project.runScript(`
      import { SpeakerEncoder } from 'timbre-voice';
      const error = await SpeakerEncoder.load({ model: './a.pt' }).catch((error) => error);
      console.log(error.name, error.code, error.message);
    `);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^TimbreError ADDON_UNAVAILABLE .*npx timbre setup/);
  });

  test('`timbre setup --check` says that it is missing, and changes nothing', async () => {
    const before = await readdir(project.path('node_modules', 'timbre-voice'));
    const { code, stderr } = await project.timbre('setup', '--check');
    expect(code).toBe(1);
    expect(stderr).toMatch(/addon .*NOT READY.*not built/);
    expect(stderr).not.toMatch(/typescript|samples/);
    expect(await readdir(project.path('node_modules', 'timbre-voice'))).toEqual(before);
  });
});

describe('without the packages of the service', () => {
  test('installing brings no framework', async () => {
    const names = await readdir(project.path('node_modules'));
    expect(names).toEqual(expect.arrayContaining(['commander', 'timbre-voice']));
    expect(names.filter((name) => /^(@nestjs|fastify|rxjs|sqlite3|typeorm)$/.test(name))).toEqual([]);
  });

  test('no package that is installed has an install script', () => {
    const { installed } = project;
    expect(Object.keys(installed).length).toBeGreaterThan(10);
    expect(Object.keys(installed).filter((name) => installed[name]!.hasInstallScript)).toEqual([]);
  });

  test('`timbre doctor` tells what a service would need besides', async () => {
    const { stdout } = await project.timbre('doctor', '--json');
    const { findings } = JSON.parse(stdout) as { findings: { name: string; status: string; remedy: string }[] };
    const finding = findings.find(({ name }) => name === 'packages of the service')!;
    expect(finding.status).toBe('note');
    expect(finding.remedy).toMatch(/npm install --ignore-scripts '@nestjs.*'typeorm@\^0\.3.* && npx timbre setup$/);
  });

  test('commands that need no service work', async () => {
    const { code, stdout, stderr } = await project.timbre('models', 'list', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(expect.any(Object));
    expect(stdout).toContain('starter');
  });

  test.each([['serve'], ['keys', 'list'], ['backup', 'copy.sqlite']])(
    '`timbre %s` says in one sentence what it lacks',
    async (...words) => {
      const { code, stderr } = await project.timbre(...words);
      expect(code).toBe(2);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      expect(stderr).toMatch(
        /the service needs packages that are not installed; run npm install --ignore-scripts '@nestjs\/common@\^12.*'rxjs@.*'sqlite3@.*'typeorm@.* && npx timbre setup \(INVALID_ARGUMENT\)$/m,
      );
    },
  );
});

describe('with its addon', () => {
  beforeAll(async () => {
    if (BUILDS) {
      const env = { ...clean(), LIBTORCH: process.env['LIBTORCH'] ?? (await libTorch()) };
      const { code, stderr } = await run('npx', ['--no-install', 'timbre', 'setup'], project.folder, env);
      if (code !== 0) throw new Error(stderr);
    } else {
      await project.takeAddon();
    }
  }, 1_200_000);

  async function libTorch(): Promise<string> {
    const lib = join(ROOT, '.venv', 'lib');
    const [python] = (await readdir(lib)).filter((name) => name.startsWith('python3'));
    return join(lib, python!, 'site-packages', 'torch');
  }

  test('it converts and embeds, with no program on the path and no framework to be found', async () => {
    // The entry of the in-process API depends on no other package.
    const modules = project.path('node_modules');
    for (const name of await readdir(modules)) {
      if (name !== 'timbre-voice') await rm(join(modules, name), { recursive: true });
    }
    const { code, stdout, stderr } = await project.runScript(
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
      project.path('use.ts'),
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
    await writeFile(project.path('tsconfig.json'), JSON.stringify({ compilerOptions: types, files: ['use.ts'] }));
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    expect(await run(process.execPath, [tsc, '-p', project.folder], project.folder)).toMatchObject({
      code: 0,
      stdout: '',
    });
  });
});

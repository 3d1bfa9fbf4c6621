import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { obstacle, thisPlatform, type Platform } from '../../scripts/setup/platform.mjs';
import { SYSTEM_PACKAGES } from '../../scripts/setup/steps/system.mjs';
import { Project, type Outcome } from './project.js';

const ROOT = path.resolve(import.meta.dirname, '../..');

let project: Project;

beforeEach(() => {
  project = new Project();
});

afterEach(() => {
  project.remove();
});

/** A failure as people shall meet it: exit status 1, what is wrong, what to do, and no stack trace. */
function expectFailure({ status, stderr }: Outcome, message: string | RegExp, remedy: string | RegExp): void {
  expect(stderr).toMatch(/^set-up failed: /m);
  expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
  const [, said = ''] = stderr.split('set-up failed: ');
  const [first = '', ...rest] = said.split('\n');
  expect(first).toEqual(message instanceof RegExp ? expect.stringMatching(message) : expect.stringContaining(message));
  expect(rest.join('\n')).toEqual(
    remedy instanceof RegExp ? expect.stringMatching(remedy) : expect.stringContaining(remedy),
  );
  expect(status).toBe(1);
}

describe('platform', () => {
  const good: Platform = { system: 'linux', architecture: 'x64', glibc: '2.36', node: '20.19.0' };

  it.each<Partial<Platform>>([{}, { architecture: 'arm64' }, { glibc: '2.28' }, { node: '24.1.0' }])(
    'may be %j',
    (difference) => {
      expect(obstacle({ ...good, ...difference })).toBeUndefined();
    },
  );

  it.each<[Partial<Platform>, RegExp, RegExp]>([
    [{ system: 'darwin' }, /runs on Linux; this is darwin/, /container/],
    [{ system: 'win32' }, /runs on Linux/, /Windows Subsystem for Linux/],
    [{ architecture: 'ia32' }, /no PyTorch for .* ia32/, /64-bit/],
    [{ architecture: 'riscv64' }, /riscv64/, /x64/],
    [{ glibc: undefined }, /musl/, /Debian/],
    [{ glibc: '2.17' }, /glibc 2\.17 is too old/, /newer distribution/],
    [{ node: '18.20.4' }, /Node\.js 18\.20\.4 is too old/, /Install Node\.js/],
    [{ node: '20.9.0' }, /20\.9\.0 is too old/, /Install Node\.js/],
  ])('may not be %j', (difference, message, remedy) => {
    const found = obstacle({ ...good, ...difference });
    expect(found?.message).toMatch(message);
    expect(found?.remedy).toMatch(remedy);
  });

  it('is this one', () => {
    expect(thisPlatform().node).toBe(process.versions.node);
    expect(obstacle(thisPlatform())).toBeUndefined();
  });
});

describe('a complete machine', () => {
  it('is set up once, and then left alone', () => {
    project.complete();
    const first = project.setup();
    expect(first.stderr).toMatch(/^ready after /m);
    expect(first.status).toBe(0);
    for (const made of ['.venv/bin/python', 'build/Release/timbre.node', 'dist/index.js', 'samples/anna-1.wav']) {
      expect([made, project.exists(made)]).toEqual([made, true]);
    }
    expect(project.calls().some((call) => call.startsWith('cmake-js build'))).toBe(true);

    expect(project.setup().status).toBe(0);
    expect(project.calls()).toEqual([]);
  });

  it.each([
    ['native/addon.cpp', '// changed\n', ['cmake-js']],
    ['src/index.ts', '// changed\n', ['npm run']],
    ['src/index.spec.ts', '// new\n', []],
    [
      'package-lock.json',
      JSON.stringify({ packages: { '': {}, 'node_modules/node-addon-api': { version: '8.1.0' } } }),
      ['npm ci', 'npm run'],
    ],
  ])('does again what depends on %s, and no more', (file, text, expected) => {
    project.complete().setup();
    project.calls();
    project.write(file, text);
    expect(project.setup().status).toBe(0);
    const calls = project.calls();
    expect(calls).toHaveLength(expected.length);
    expected.forEach((start, index) => expect(calls[index]).toMatch(new RegExp(`^${start}`)));
  });

  it('mends what was deleted', () => {
    project.complete().setup();
    rmSync(project.path('build'), { recursive: true });
    rmSync(project.path('samples/ben-2.wav'));
    expect(project.setup().status).toBe(0);
    expect(project.exists('build/Release/timbre.node')).toBe(true);
    expect(project.exists('samples/ben-2.wav')).toBe(true);
  });

  it('compiles the database with the part that wipes pages, and again where it was compiled without', () => {
    project.complete().setup();
    const result = 'node_modules/sqlite3/build/Release/node_sqlite3.node';
    expect(project.read(result)).toContain('-DSQLITE_ENABLE_DBPAGE_VTAB');
    rmSync(project.path('node_modules/sqlite3/build/.timbre-setup'));
    project.write(result, 'as published');
    project.calls();
    const { status, stderr } = project.setup();
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringContaining('sqlite3 is compiled with other options'),
    });
    expect(project.calls()).toEqual([expect.stringMatching(/^node-gyp rebuild/)]);
    expect(project.read(result)).toContain('-DSQLITE_ENABLE_DBPAGE_VTAB');
  });

  it('leaves alone what an application has compiled, and needs no database where there is none', () => {
    project.complete().setup();
    rmSync(project.path('src'), { recursive: true });
    rmSync(project.path('node_modules/sqlite3/build/.timbre-setup'));
    project.calls();
    expect(project.setup().stderr).toContain('node_sqlite3.node, as published');
    rmSync(project.path('node_modules/sqlite3'), { recursive: true });
    const { status, stderr } = project.setup();
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining('without the service') });
    expect(project.calls()).toEqual([]);
  });

  it('builds anew what was made for another path: a checkout that was moved or copied', () => {
    project.complete().setup();
    project.calls();
    project.write('build/CMakeCache.txt', `CMAKE_HOME_DIRECTORY:INTERNAL=${project.root}\n`);
    project.write('build/Release/left-over.o', '');
    expect(project.setup().status).toBe(0);
    expect(project.calls()).toEqual([]);
    project.write('build/CMakeCache.txt', 'CMAKE_HOME_DIRECTORY:INTERNAL=/where/it/was\n');
    const { status, stderr } = project.setup();
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining('was made for /where/it/was') });
    expect(project.calls().map((call) => call.split(' ')[0])).toEqual(['cmake-js']);
    expect(project.exists('build/Release/timbre.node')).toBe(true);
    expect(project.exists('build/Release/left-over.o')).toBe(false);
  });

  it('is set up by one of two at a time', async () => {
    project.complete();
    const both = await Promise.all([project.setupLater(), project.setupLater()]);
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    expect(project.calls().filter((call) => call.startsWith('cmake-js'))).toHaveLength(1);
  });

  /** Of a program: begins once another was called, and gives up after a while. */
  const after = (call: string) =>
    `const end = Date.now() + 20_000;
     while (!fs.readFileSync(path.join(root, 'calls'), 'utf8').includes('${call}')) if (Date.now() > end) process.exit(7);`;

  it('is set up by what does not wait for each other at once: Python and npm, the database and the addon', () => {
    project.complete();
    project.before('python3', `if (args[1] === 'venv') { ${after('npm ci')} }`);
    project.before('npm', `if (args[0] === 'ci') { ${after('python3 -m venv')} }`);
    expect(project.setup()).toMatchObject({ status: 0, stderr: expect.stringMatching(/^ready after /m) });
    rmSync(project.path('build'), { recursive: true });
    rmSync(project.path('node_modules/sqlite3/build'), { recursive: true });
    project.calls();
    project.before('node_modules/cmake-js/bin/cmake-js', after('node-gyp rebuild'));
    project.before('node_modules/node-gyp/bin/node-gyp.js', after('cmake-js build'));
    expect(project.setup()).toMatchObject({ status: 0, stderr: expect.stringMatching(/^ready after /m) });
  });

  it('fails with the first failure, tells of others, and begins nothing after it', () => {
    project.complete();
    project.before('python3', `if (args[1] === 'venv') { ${after('npm ci')} process.exit(1); }`);
    project.program('npm', `${after('python3 -m venv')} console.error('npm error code ENOTFOUND'); process.exit(1);`);
    const { status, stderr } = project.setup();
    expect(status).toBe(1);
    expect(stderr.match(/failed, too: /g)).toHaveLength(1);
    expect(stderr.match(/^set-up failed: /gm)).toHaveLength(1);
    expect(project.calls().filter((call) => /cmake-js|node-gyp|npm run/.test(call))).toEqual([]);
  });

  it('is not held up by a set-up that died', () => {
    project.complete();
    project.write('.cache/setup/lock', '4194305');
    expect(project.setup().status).toBe(0);
    expect(project.exists('.cache/setup/lock')).toBe(false);
  });
});

describe('command line', () => {
  it('reports without changing anything', () => {
    project.complete();
    const before = readdirSync(project.root);
    const { status, stderr } = project.setup(['--check']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/python +NOT READY: no virtual environment/);
    expect(stderr).toMatch(/addon +NOT READY/);
    expect(readdirSync(project.root)).toEqual(before);

    project.setup();
    expect(project.setup(['--check']).status).toBe(0);
  });

  it('explains itself', () => {
    const { status, stdout } = project.setup(['--help']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/Usage: npm run setup[\s\S]*--check[\s\S]*TIMBRE_TORCH/);
  });

  it('refuses options it does not have', () => {
    const { status, stderr } = project.setup(['--chekc']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/--chekc[\s\S]*Usage:/);
  });
});

describe('system packages', () => {
  const without = (...missing: string[]) =>
    `for (const name of args.slice(3)) if (!${JSON.stringify(missing)}.includes(name)) console.log(name + ' installed');`;

  it('that need an administrator are named in a command to paste', () => {
    project.complete().program('dpkg-query', without('libsoxr-dev', 'cmake'));
    const outcome = project.setup([], {}, { asNobody: true });
    expectFailure(
      outcome,
      'only the administrator can install: cmake libsoxr-dev',
      'sudo apt-get install -y cmake libsoxr-dev',
    );
    expect(project.calls().some((call) => call.startsWith('apt-get'))).toBe(false);
  });

  it('are installed where sudo asks nothing', () => {
    project.complete();
    project.program(
      'dpkg-query',
      `if (!fs.existsSync(root + '/installed')) { ${without('cmake')} } else { ${without()} }`,
    );
    project.program('sudo', "if (args.includes('install') && !args.includes('--simulate')) write('installed', '');");
    expect(project.setup([], {}, { asNobody: true }).stderr).toMatch(/^ready after /m);
    expect(project.calls()).toContain('sudo -n apt-get install -y --no-install-recommends cmake');
  });

  it('that one can do without are not asked for', () => {
    project.complete().program('dpkg-query', without('ffmpeg'));
    const { status, stderr } = project.setup([], {}, { asNobody: true });
    expect(stderr).toMatch(/without ffmpeg webm, m4a/);
    expect(status).toBe(0);
  });

  it('are looked for by what they hold where there is no dpkg', () => {
    project.complete();
    rmSync(project.path('programs/dpkg-query'));
    rmSync(project.path('programs/apt-get'));
    for (const name of ['g++', 'make', 'cmake']) project.program(name, '');
    project.program('pkg-config', "process.exit(args[1] === 'soxr' ? 1 : 0);");
    expectFailure(project.setup(), 'libsoxr-dev', "this system's package manager");
  });

  it('cover every library that CMake looks for', () => {
    const cmake = readdirSync(path.join(ROOT, 'native/core')).map((room) =>
      readFileSync(path.join(ROOT, 'native/core', room, 'CMakeLists.txt'), 'utf8'),
    );
    const modules = [
      ...cmake.join('\n').matchAll(/pkg_check_modules\(\w+ REQUIRED (?:IMPORTED_TARGET )?([\w-]+)/g),
    ].map(([, name]) => name);
    const known = SYSTEM_PACKAGES.flatMap(({ probe }) => (probe && 'module' in probe ? [probe.module] : []));
    expect(modules.length).toBeGreaterThan(0);
    expect(modules.filter((name) => !known.includes(name ?? ''))).toEqual([]);
  });

  it('that cannot be downloaded', () => {
    project.complete().program('dpkg-query', without('cmake'));
    project.program(
      'sudo',
      "if (args.includes('apt-get')) { console.error('E: Unable to fetch some archives'); process.exit(100); }",
    );
    expectFailure(
      project.setup([], {}, { asNobody: true }),
      'a package registry cannot be reached',
      'Connect to the network',
    );
  });
});

describe('Python', () => {
  const pip = (output: string) => `write('.venv/bin/python', '#!/bin/sh\\n${output}\\n', 0o755);`;
  const python = (venv: string) =>
    `if (args[0] === '-c' && args[1].includes('print')) console.log('3.11'); if (args[1] === 'venv') { ${venv} }`;

  it('is missing', () => {
    project.complete();
    rmSync(project.path('programs/python3'));
    expectFailure(project.setup(), 'there is no python3', 'TIMBRE_PYTHON=');
  });

  it('cannot make virtual environments', () => {
    project.complete().program('python3', "if (args[1].includes('print')) console.log('3.12'); else process.exit(1);");
    expectFailure(project.setup(), 'cannot make virtual environments', 'apt-get install -y python3-venv');
  });

  it('is too old', () => {
    project.complete().program('python3', "console.log('3.9');");
    expectFailure(project.setup(), 'python3 is Python 3.9', 'Install a newer one');
  });

  it.each([
    [
      'echo "WARNING: Failed to establish a new connection: [Errno 101]"; exit 1',
      'a package registry cannot be reached',
      'PIP_INDEX_URL',
    ],
    ['echo "ERROR: [Errno 28] No space left on device" >&2; exit 1', 'the disk is full', 'Free some space'],
    ['echo "ERROR: [Errno 13] Permission denied: /x"; exit 1', 'a file may not be written', 'chown'],
    ['echo something else went wrong; exit 3', 'ended with status 3', '.cache/setup/python.log'],
  ])('whose pip does: %s', (output, message, remedy) => {
    project.complete().program('python3', python(pip(output)));
    const outcome = project.setup();
    expectFailure(outcome, message, remedy);
    expect(outcome.stderr).toMatch(/^ {4}\| /m);
  });

  it('takes the least of a CUDA build that linking needs', () => {
    project.complete();
    project.program(
      'python3',
      python(`write('.venv/bin/python', ${JSON.stringify(project.pip({ version: '2.13.0', cuda: true }))}, 0o755);`),
    );
    expect(project.setup().stderr).toMatch(/CUDA 13\.0\), for linking only/);
    const installed = new Set(project.read('locked').match(/^[\w.-]+(?===)/gm));
    for (const name of ['torch', 'numpy', 'nvidia-cuda-runtime', 'nvidia-cuda-cupti'])
      expect(installed).toContain(name);
    expect(installed).not.toContain('nvidia-cudnn-cu13');
  });

  it('takes the CPU build by its name where there is one, and what there is where there is none', () => {
    project.complete();
    expect(project.setup().stderr).toContain('pip install torch 2.13.0+cpu');
    expect(project.read('locked')).toMatch(/^torch==2\.13\.0\+cpu /m);
    expect(project.read('locked')).not.toMatch(/^torch==2\.13\.0 /m);
  });

  it('is given nothing without a digest, and no index beside the one for PyTorch', () => {
    project.complete();
    const digest = 'ab'.repeat(32);
    const settings = { TIMBRE_TORCH_INDEX: 'https://torch.example/simple', TIMBRE_TORCH_SHA256: digest };
    expect(project.setup([], settings).status).toBe(0);
    const installs = project.calls().filter((call) => call.includes(' install '));
    expect(installs.length).toBeGreaterThanOrEqual(3);
    for (const call of installs) {
      expect(call).toContain('--require-hashes');
      expect(call).not.toContain('--extra-index-url');
    }
    expect(installs.filter((call) => call.includes('--index-url https://torch.example/simple'))).toHaveLength(2);
    expect(project.read('locked')).toContain(`--hash=sha256:${digest}`);
  });

  it('has no CUDA build where one is asked for', () => {
    project.complete();
    expectFailure(project.setup([], { TIMBRE_TORCH: 'cuda' }), 'has only PyTorch 2.13.0+cpu', 'TIMBRE_TORCH_INDEX');
  });

  it('installs no PyTorch beside a LibTorch that is named', () => {
    project.complete();
    project.write('libtorch/lib/libtorch_cpu.so', '');
    project.write('libtorch/include/torch/script.h', '');
    const { status, stderr } = project.setup([], { LIBTORCH: project.path('libtorch') });
    expect(stderr).toContain(`LibTorch in ${project.path('libtorch')}`);
    expect(status).toBe(0);
    const calls = project.calls();
    expect(calls.filter((call) => call.startsWith('pip'))).toEqual([]);
    expect(calls).toContainEqual(expect.stringContaining(`--CDLIBTORCH=${project.path('libtorch')}`));
  });

  it.each([
    [{ TIMBRE_TORCH: 'rocm' }, 'TIMBRE_TORCH is "rocm"', 'cpu (the default), cuda, or none'],
    [{ TIMBRE_TORCH_SHA256: 'ab' }, 'TIMBRE_TORCH_SHA256 is "ab"', '64 hexadecimal'],
    [{ TIMBRE_TORCH: 'none' }, 'neither LIBTORCH nor Torch_DIR', 'Set LIBTORCH'],
    [{ LIBTORCH: '/nowhere' }, 'LIBTORCH names no LibTorch: /nowhere lacks', 'Set LIBTORCH'],
  ])('is told %j', (env, message, remedy) => {
    project.complete();
    expectFailure(project.setup([], env), message, remedy);
  });
});

describe('downloads', () => {
  it('that are not what was pinned are refused', () => {
    project.complete();
    rmSync(project.path('.deps'), { recursive: true });
    project.setup();
    project.program(
      '.venv/bin/python',
      "if (args.includes('download')) fs.writeFileSync(args[args.indexOf('-d') + 1] + '/kaldi_native_fbank-1.23.0.tar.gz', 'x');",
    );
    expectFailure(
      project.setup(),
      'not as kaldi_native_fbank-1.23.0.tar.gz with the expected checksum',
      /sha256 [0-9a-f]{64}/,
    );
    expect(project.exists('.deps/kaldi_native_fbank-1.23.0.tar.gz')).toBe(false);
  });

  it('of npm, without a network', () => {
    project.complete().program('npm', "console.error('npm error code ENOTFOUND'); process.exit(1);");
    expectFailure(
      project.setup(),
      'installing npm packages: a package registry cannot be reached',
      'npm config set registry',
    );
  });
});

describe('compiling', () => {
  it.each([
    ["console.error('c++: fatal error: Killed signal terminated program cc1plus')", 'memory ran out', 'TIMBRE_JOBS=1'],
    [
      "console.error('No CMAKE_CXX_COMPILER could be found.')",
      'compiling the addon: node ended with status 1',
      'delete build/',
    ],
  ])('fails: %s', (output, message, remedy) => {
    project.complete();
    project.setup();
    rmSync(project.path('build'), { recursive: true });
    project.program('node_modules/cmake-js/bin/cmake-js', `${output}; process.exit(1);`);
    expectFailure(project.setup(), message, remedy);
  });

  it('is said to have failed when it left nothing', () => {
    project.complete();
    project.setup();
    rmSync(project.path('build'), { recursive: true });
    project.program('node_modules/cmake-js/bin/cmake-js', '');
    expectFailure(project.setup(), 'build/Release/timbre.node is not built', '--verbose');
  });

  it('uses as many processes as it is told', () => {
    project.complete();
    project.setup([], { TIMBRE_JOBS: '3' });
    expect(project.calls()).toContainEqual(expect.stringContaining('--parallel 3'));
  });
});

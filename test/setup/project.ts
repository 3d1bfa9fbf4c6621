import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SOURCES } from '../../scripts/setup/steps/sources.mjs';

const ROOT = path.resolve(import.meta.dirname, '../..');

export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/**
 * A small project with the real set-up scripts, on a machine that is only imagined: PATH leads to programs that the
 * test wrote, and nowhere else.
 */
export class Project {
  readonly root: string;
  private readonly programs: string;
  private readonly log: string;

  constructor() {
    this.root = mkdtempSync(path.join(tmpdir(), 'timbre-setup-'));
    // Another user runs the set-up in some tests.
    chmodSync(this.root, 0o777);
    this.programs = path.join(this.root, 'programs');
    this.log = path.join(this.root, 'calls');
    mkdirSync(this.programs);
    writeFileSync(this.log, '');
    chmodSync(this.log, 0o666);
    cpSync(path.join(ROOT, 'scripts'), path.join(this.root, 'scripts'), { recursive: true });
    for (const name of ['models/requirements.txt', 'models/requirements-cuda.txt']) {
      cpSync(path.join(ROOT, name), path.join(this.root, name), { recursive: true });
    }
    this.write('package.json', '{ "scripts": {} }');
    this.write(
      'package-lock.json',
      JSON.stringify({ packages: { '': {}, 'node_modules/node-addon-api': { version: '8.0.0' } } }),
    );
    this.write('CMakeLists.txt', '');
    this.write('tsconfig.json', '{}');
    this.write('native/addon.cpp', '');
    this.write('src/index.ts', '');
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  path(name: string): string {
    return path.join(this.root, name);
  }

  write(name: string, text: string): void {
    mkdirSync(path.dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  exists(name: string): boolean {
    return existsSync(this.path(name));
  }

  /**
   * Puts a program on PATH (or elsewhere in the project) that notes how it was called and then does `body`: JavaScript
   * in which `args`, `fs`, `root` and `write(name, text, mode?)` are at hand.
   */
  program(name: string, body: string): void {
    const file = name.includes('/') ? this.path(name) : path.join(this.programs, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, this.source(path.basename(name), body), { mode: 0o755 });
  }

  /** Has a program do `body` first, see `program`. */
  before(name: string, body: string): void {
    const file = name.includes('/') ? this.path(name) : path.join(this.programs, name);
    const noted = /^fs\.appendFileSync.*\n/m;
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(noted, (line) => `${line}${body}\n`),
    );
  }

  /** A program in shell language: quicker to start, and not noted. */
  private shell(name: string, body: string): void {
    writeFileSync(path.join(this.programs, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }

  private source(name: string, body: string): string {
    return `#!${process.execPath}
const fs = require('fs'); const path = require('path');
const root = ${JSON.stringify(this.root)}; const args = process.argv.slice(2);
const write = (name, text, mode) => { const file = path.join(root, name); fs.mkdirSync(path.dirname(file), { recursive: true }); fs.writeFileSync(file, text, { mode }); };
fs.appendFileSync(${JSON.stringify(this.log)}, [${JSON.stringify(name)}, ...args].join(' ').replaceAll('\\n', ' ') + '\\n');
${body}
`;
  }

  /** Programs called since the last time this was asked, with their arguments. */
  calls(): string[] {
    const calls = readFileSync(this.log, 'utf8').split('\n').filter(Boolean);
    writeFileSync(this.log, '');
    return calls;
  }

  private environment(env: Record<string, string>): NodeJS.ProcessEnv {
    return { PATH: this.programs, HOME: this.root, ...env };
  }

  /** Runs the set-up to its end. `asNobody`: without root's rights, even if the tests have them. */
  setup(words: string[] = [], env: Record<string, string> = {}, { asNobody = false } = {}): Outcome {
    const user = asNobody && process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    return spawnSync(process.execPath, [this.path('scripts/setup.mjs'), ...words], {
      cwd: this.root,
      env: this.environment(env),
      encoding: 'utf8',
      ...user,
    });
  }

  /** Starts the set-up; settles at its end. */
  async setupLater(): Promise<Outcome> {
    const child = spawn(process.execPath, [this.path('scripts/setup.mjs')], {
      cwd: this.root,
      env: this.environment({}),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => (stdout += String(data)));
    child.stderr.on('data', (data) => (stderr += String(data)));
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status) => resolve({ status, stdout, stderr }));
    });
  }

  /**
   * A pip that installs what the requirements file on its command line pins, from an index with this build of PyTorch. It
   * refuses what has no digest.
   */
  pip({ version, cuda }: { version: string; cuda: boolean }): string {
    const site = '.venv/lib/python3.11/site-packages/';
    const metadata = { name: 'torch', version, requires_dist: cuda ? ['nvidia-cudnn-cu13==9'] : ['sympy'] };
    return this.source(
      'pip',
      `if (!args.includes('install')) process.exit(0);
       const locked = fs.readFileSync(args[args.indexOf('-r') + 1], 'utf8');
       fs.appendFileSync(path.join(root, 'locked'), locked);
       if (!args.includes('--require-hashes') || !locked.includes('--hash=sha256:')) process.exit(9);
       if (locked.includes('torch==2.13.0+cpu') && ${JSON.stringify(version)} !== '2.13.0+cpu') {
         console.error('ERROR: No matching distribution found for torch==2.13.0+cpu');
         process.exit(1);
       }
       const report = args.indexOf('--report');
       if (report >= 0) {
         fs.writeFileSync(args[report + 1], ${JSON.stringify(JSON.stringify({ install: [{ metadata }] }))});
         process.exit(0);
       }
       for (const [, name, version] of locked.matchAll(/^([\\w.-]+)==([\\w.]+)/gm)) {
         const as = name === 'torch' ? ${JSON.stringify(version)} : version;
         write('${site}' + name.replaceAll('-', '_') + '-' + as + '.dist-info/METADATA', '');
         if (name !== 'torch') continue;
         write('${site}torch/version.py', "cuda: Optional[str] = ${cuda ? "'13.0'" : 'None'}\\n");
         write('${site}torch/lib/libtorch_cpu.so', '');
       }`,
    );
  }

  /** A machine on which every program is there and works. */
  complete(): this {
    // What every set-up calls, and what is called a dozen times, is no JavaScript: -v V -p P -s S -w FILE.
    this.shell('dpkg-query', 'for name; do echo "$name installed"; done');
    this.shell('espeak-ng', 'echo RIFF > "$8"');
    this.program('apt-get', '');
    const pip = this.pip({ version: '2.13.0+cpu', cuda: false });
    this.program(
      'python3',
      `if (args[0] === '-c' && args[1].includes('print')) console.log('3.11');
       if (args[1] === 'venv') write('.venv/bin/python', ${JSON.stringify(pip)}, 0o755);`,
    );
    // The archives' pinned checksums cannot be imitated; what is unpacked of them can.
    for (const { name, version, sha256 } of SOURCES) this.write(`.deps/${name}-${version}/.sha256`, `${sha256}\n`);
    this.program(
      'npm',
      `if (args[0] === 'ci') {
         write('node_modules/.package-lock.json', fs.readFileSync(path.join(root, 'package-lock.json')));
         for (const name of ['node-addon-api', 'node-api-headers', 'cmake-js']) write('node_modules/' + name + '/package.json', '{}');
         write('node_modules/sqlite3/package.json', '{ "version": "6.0.1" }');
         write('node_modules/node-gyp/bin/node-gyp.js', ${JSON.stringify(this.source('node-gyp', "write('node_modules/sqlite3/build/Release/node_sqlite3.node', process.env.CPPFLAGS);"))});
         write('node_modules/cmake-js/bin/cmake-js', ${JSON.stringify(this.source('cmake-js', "write('build/Release/timbre.node', ''); write('build/Release/timbre-decoder', '');"))}, 0o755);
       } else write('dist/index.js', '');`,
    );
    this.program('ffmpeg', '');
    return this;
  }
}

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

export async function run(program: string, words: string[], cwd: string, env = clean()): Promise<Ended> {
  try {
    return { code: 0, ...(await promisify(execFile)(program, words, { cwd, env, maxBuffer: 1e8 })) };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

/** Without what npm and jest tell the programs that they start. */
export function clean(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|INIT_CWD|MODEL_|TIMBRE_)/i.test(name)),
  );
}

interface Locked {
  version?: string;
  integrity?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  hasInstallScript?: true;
  [others: string]: unknown;
}

interface LockFile {
  packages: Record<string, Locked>;
}

interface PackageFile {
  version: string;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, unknown>;
}

/** Other versions than those of this repository, with their digests. */
export type OtherVersions = Readonly<Record<string, { version: string; integrity: string }>>;

async function readJson<T>(...path: string[]): Promise<T> {
  return JSON.parse(await readFile(join(...path), 'utf8')) as T;
}

/** Another project, into which the tarball is installed. */
export class Project {
  private constructor(
    readonly folder: string,
    /** What the tarball holds. */
    readonly files: readonly { path: string; size: number }[],
    /** What npm says that it installed. */
    readonly installed: Readonly<Record<string, Locked>>,
  ) {}

  /** With further packages beside it, which an application brings. No install script runs. */
  static async install(beside: readonly string[] = [], others: OtherVersions = {}): Promise<Project> {
    if (!existsSync(join(ROOT, 'dist', 'addon', 'index.js'))) {
      throw new Error('dist/ is not built: run `npm run build`');
    }
    const folder = await mkdtemp(join(tmpdir(), 'timbre-package-'));
    const words = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    const [tarball] = JSON.parse((await run('npm', words, ROOT)).stdout) as [
      { filename: string; integrity: string; files: { path: string; size: number }[] },
    ];
    const own = await readJson<PackageFile>(ROOT, 'package.json');
    const { packages } = await readJson<LockFile>(ROOT, 'package-lock.json');
    const file = `file:${tarball.filename}`;
    const entry = {
      version: own.version,
      resolved: file,
      integrity: tarball.integrity,
      dependencies: own.dependencies,
      peerDependencies: own.peerDependencies,
      peerDependenciesMeta: own.peerDependenciesMeta,
      bin: packages['']?.['bin'],
    };
    const locked = closure(packages, [...Object.keys(own.dependencies), ...beside], others);
    const versions = beside.map((name) => [name, locked[`node_modules/${name}`]?.version]);
    const dependencies = { 'timbre-voice': file, ...Object.fromEntries(versions) } as Record<string, string>;
    const root = { name: 'project', private: true, type: 'module', dependencies };
    await writeFile(join(folder, 'package.json'), JSON.stringify(root));
    // The lock file makes the installation the same every time, and needs nothing of a registry that npm has kept.
    const lock = {
      name: 'project',
      lockfileVersion: 3,
      requires: true,
      packages: { '': root, 'node_modules/timbre-voice': entry, ...locked },
    };
    await writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock));
    const install = ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
    const { code, stderr } = await run('npm', install, folder);
    if (code !== 0) throw new Error(`npm ci: ${stderr}`);
    const installed = await readJson<LockFile>(folder, 'node_modules', '.package-lock.json');
    return new Project(folder, tarball.files, installed.packages);
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  /** Copies what this repository has compiled: compiling it anew takes minutes. */
  async takeCompiled(path: string, from = path): Promise<void> {
    const to = this.path('node_modules', path);
    await mkdir(dirname(to), { recursive: true });
    await cp(join(ROOT, from), to);
  }

  /** The addon and the program that decodes for it, as they are built here. */
  async takeAddon(): Promise<void> {
    for (const name of ['timbre.node', 'timbre-decoder']) {
      await this.takeCompiled(`timbre-voice/build/Release/${name}`, `build/Release/${name}`);
    }
  }

  /** Runs a module of the project. */
  async runScript(source: string, env?: NodeJS.ProcessEnv): Promise<Ended> {
    await writeFile(this.path('script.mjs'), source);
    return run(process.execPath, [this.path('script.mjs')], this.folder, env);
  }

  timbre(...words: string[]): Promise<Ended> {
    return run('npx', ['--no-install', 'timbre', ...words], this.folder);
  }
}

/** The packages of a lock file that some of them lead to. */
function closure(
  packages: Readonly<Record<string, Locked>>,
  names: readonly string[],
  others: OtherVersions,
): Record<string, Locked> {
  const found = new Set(names.map((name) => `node_modules/${name}`));
  for (const location of found) {
    const { dependencies, optionalDependencies } = packages[location] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const place = placeOf(packages, location, name);
      if (place !== undefined) found.add(place);
    }
  }
  const entries = [...found].map((location) => {
    const { dev: _dev, devOptional: _optional, peer: _peer, ...locked } = packages[location]!;
    return [location, { ...locked, ...others[location.replace(/^node_modules\//, '')] }];
  });
  return Object.fromEntries(entries) as Record<string, Locked>;
}

/** Where a package finds another: in its own folder, or in one above. */
function placeOf(packages: Readonly<Record<string, Locked>>, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, folder.lastIndexOf('/node_modules/'))) {
    const place = `${folder}/node_modules/${name}`;
    if (place in packages) return place;
    if (!folder.includes('/node_modules/')) break;
  }
  return `node_modules/${name}` in packages ? `node_modules/${name}` : undefined;
}

import { execFile } from 'node:child_process';
import { readFile, statfs } from 'node:fs/promises';
import { arch, availableParallelism, cpus, release, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { modelFolders } from '../models/cache.js';
import { bytes } from './progress.js';

/** One thing that was looked for. */
export interface Finding {
  name: string;
  /** `missing`: needed and not there; `note`: not needed, or only for people to know. */
  status: 'ok' | 'note' | 'missing';
  value: string;
  /** What to do about it. */
  remedy?: string;
}

/** Instruction sets that the kernels choose between, as /proc/cpuinfo names them. */
const CPU_FEATURES = [
  'sse4_2',
  'avx',
  'fma',
  'avx2',
  'avx512f',
  'avx512_vnni',
  'avx512_bf16',
  'amx_tile',
  'asimd',
  'sve',
];

/** Looks at this machine and installation. Never throws: what cannot be found out is a finding. */
export async function examine(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  return [...(await platform()), ...(await programs()), ...(await cache(env)), ...variables(env)];
}

async function platform(): Promise<Finding[]> {
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
  const newEnough = major > 20 || (major === 20 && minor >= 17);
  const glibc = glibcVersion();
  return [
    {
      name: 'Node.js',
      status: newEnough ? 'ok' : 'missing',
      value: process.versions.node,
      ...(newEnough ? {} : { remedy: 'install Node.js 20.17 or newer' }),
    },
    {
      name: 'platform',
      status: process.platform === 'linux' ? 'ok' : 'missing',
      value: `${process.platform} ${arch()}, kernel ${release()}`,
      ...(process.platform === 'linux' ? {} : { remedy: 'Timbre runs on Linux; elsewhere use a container' }),
    },
    glibc === undefined
      ? {
          name: 'glibc',
          status: 'missing',
          value: 'none (another C library, such as musl)',
          remedy: 'LibTorch is built for glibc; use an image based on Debian, Ubuntu or another glibc system',
        }
      : { name: 'glibc', status: 'ok', value: glibc },
    { name: 'processor', status: 'ok', value: await processor() },
    { name: 'memory', status: 'ok', value: bytes(totalmem()) },
  ];
}

/** Undefined under another C library. */
function glibcVersion(): string | undefined {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime;
}

async function processor(): Promise<string> {
  const model = cpus()[0]?.model ?? 'unknown';
  const info = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const flags = new Set(/^(?:flags|Features)\s*:\s*(.*)$/m.exec(info)?.[1]?.split(' '));
  const found = CPU_FEATURES.filter((feature) => flags.has(feature));
  return `${model}, ${availableParallelism()} usable threads${found.length > 0 ? `, ${found.join(' ')}` : ''}`;
}

async function programs(): Promise<Finding[]> {
  try {
    const { stdout } = await promisify(execFile)('ffmpeg', ['-version'], { timeout: 10_000 });
    return [{ name: 'ffmpeg', status: 'ok', value: /version (\S+)/.exec(stdout)?.[1] ?? 'found' }];
  } catch {
    return [
      {
        name: 'ffmpeg',
        status: 'note',
        value: 'not found: webm, m4a, amr and video files are answered with AUDIO_UNSUPPORTED',
        remedy: 'install the package ffmpeg, if such recordings come in',
      },
    ];
  }
}

async function cache(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const { cache: folder } = modelFolders(env);
  try {
    const { bavail, bsize } = await statfs(folder);
    return [{ name: 'model cache', status: 'ok', value: `${folder}, ${bytes(bavail * bsize)} free` }];
  } catch (error) {
    const value = `${folder}: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`;
    return [{ name: 'model cache', status: 'note', value }];
  }
}

/** Variables that change what Timbre does, and those that a download obeys. */
const VARIABLES = /^(TIMBRE_|MODEL_CACHE_DIR$|EMBEDDING_SERVICE_|LIBTORCH$|Torch_DIR$|(HTTPS?|NO|ALL)_PROXY$)/i;
const SECRETS = /KEY|TOKEN|SECRET|PASSWORD/i;

function variables(env: NodeJS.ProcessEnv): Finding[] {
  return Object.keys(env)
    .filter((name) => VARIABLES.test(name))
    .sort()
    .map((name) => ({ name, status: 'note', value: SECRETS.test(name) ? 'set' : withoutCredentials(env[name]!) }));
}

/** `http://user:password@proxy` without user and password. */
function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/, '//');
}

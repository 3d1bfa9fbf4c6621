import { execFile } from 'node:child_process';
import { access, constants, readFile } from 'node:fs/promises';
import { arch, availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TimbreError } from '../errors/timbre-error.js';
import { PACKAGE_FOLDER } from '../support/package.js';
import { readManifest, runtimeInfo } from '../addon/bundles.js';
import type { Walls } from '../addon/types.js';
import { missingWalls, tryDecoder } from '../addon/walls.js';
import { modelName } from '../scoring/model-calibration.js';
import { goesOnWith, keptModel } from '../support/kept-model.js';
import { findBundle, listBundles, modelFolders } from '../models/cache.js';
import { PUBLISHED_MODELS } from '../models/registry.js';
import { freeBytes } from '../models/storage.js';
import { bytes } from './progress.js';
import { missingServicePackages, toInstall } from './service-packages.js';

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

/** What the processor has for products in bf16. */
const BF16: Readonly<Record<ReturnType<typeof runtimeInfo>['torch']['bf16'], string>> = {
  amx: 'by AMX: `precision` auto uses it',
  avx512_bf16: 'by AVX512-BF16: `precision` auto uses it',
  '': 'nothing multiplies in it faster than in fp32',
};

/** Looks at this machine and installation. Never throws: what cannot be found out is a finding. */
export async function examine(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  return [
    ...(await platform()),
    ...addonAndLibraries(),
    servicePackagesFinding(),
    ...(await decoders()),
    ...(await programs()),
    ...(await cache(env)),
    ...(await keptBundle(env)),
    ...variables(env),
  ];
}

async function platform(): Promise<Finding[]> {
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
  const newEnough = major > 20 || (major === 20 && minor >= 19);
  const glibc = glibcVersion();
  return [
    {
      name: 'Node.js',
      status: newEnough ? 'ok' : 'missing',
      value: process.versions.node,
      ...(newEnough ? {} : { remedy: 'install Node.js 20.19 or newer' }),
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
  return report().header?.glibcVersionRuntime;
}

/** What Node.js knows of its process. */
function report(): { header?: { glibcVersionRuntime?: string }; sharedObjects?: string[] } {
  return process.report.getReport();
}

async function processor(): Promise<string> {
  const model = cpus()[0]?.model ?? 'unknown';
  const info = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const flags = new Set(/^(?:flags|Features)\s*:\s*(.*)$/m.exec(info)?.[1]?.split(' '));
  const found = CPU_FEATURES.filter((feature) => flags.has(feature));
  return `${model}, ${availableParallelism()} usable threads${found.length > 0 ? `, ${found.join(' ')}` : ''}`;
}

function addonAndLibraries(): Finding[] {
  try {
    const { torch, audio, walls } = runtimeInfo();
    const cuda = torch.cudaBuilt
      ? `${torch.cudaDevices} device${torch.cudaDevices === 1 ? '' : 's'}`
      : 'not in this LibTorch (a build for the CPU)';
    return [
      { name: 'addon', status: 'ok', value: loadedLibrary('timbre.node') ?? 'loaded' },
      {
        name: 'LibTorch',
        status: 'ok',
        value: `${torch.version}, kernels for ${torch.cpuCapability}, ${loadedLibrary('libtorch_cpu.so') ?? 'linked into the addon'}`,
      },
      { name: 'bf16', status: torch.bf16 === '' ? 'note' : 'ok', value: BF16[torch.bf16] },
      { name: 'CUDA', status: torch.cudaDevices > 0 ? 'ok' : 'note', value: cuda },
      { name: 'libsndfile', status: 'ok', value: audio.sndfile },
      { name: 'libsoxr', status: 'ok', value: audio.soxr },
      audio.ffmpeg === ''
        ? {
            name: 'ffmpeg',
            status: 'note',
            value: 'not found: webm, m4a, amr and video files are answered with AUDIO_UNSUPPORTED',
            remedy: 'install the package ffmpeg, if such recordings come in',
          }
        : { name: 'ffmpeg', status: 'ok', value: audio.ffmpeg },
      ...(audio.ffmpeg === '' ? [] : [containment('containment of ffmpeg', walls)]),
    ];
  } catch (error) {
    return [{ name: 'addon', status: 'missing', value: 'cannot be loaded', remedy: (error as Error).message }];
  }
}

/** Whether a process that decodes can be started, and what stands around it. */
async function decoders(): Promise<Finding[]> {
  const name = 'containment of decoders';
  try {
    return [containment(name, await tryDecoder())];
  } catch (error) {
    // Without the addon there is a finding about that.
    if (error instanceof TimbreError && error.code === 'ADDON_UNAVAILABLE') return [];
    return [
      { name, status: 'missing', value: 'no process that decodes can be started', remedy: (error as Error).message },
    ];
  }
}

/** What keeps a program that decodes from everything but the recording that it reads. */
function containment(name: string, walls: Walls): Finding {
  const missing = missingWalls(walls);
  if (missing.length === 0) return { name, status: 'ok', value: 'Landlock, seccomp' };
  return {
    name,
    status: 'note',
    value: `without ${missing.join(' and ')}`,
    remedy:
      'a kernel of 5.13 or newer has both; a container must allow them (the default profiles of Docker and Podman do). ' +
      'TIMBRE_REQUIRE_CONTAINMENT=on has the service refuse to start without',
  };
}

/** The packages that the service alone needs. */
function servicePackagesFinding(): Finding {
  const name = 'packages of the service';
  const missing = missingServicePackages();
  if (missing.length === 0) return { name, status: 'ok', value: 'installed' };
  const value = `without ${missing.join(', ')}: no \`timbre serve\`, and nothing for timbre-voice/nest`;
  return { name, status: 'note', value, remedy: `where a service is wanted: ${toInstall(missing)}` };
}

/** Path of a library that is mapped into this process. */
function loadedLibrary(name: string): string | undefined {
  return report().sharedObjects?.find((path) => path.endsWith(`/${name}`) || path.includes(`/${name}.`));
}

/** Python is needed for conversions to other formats and for training, not at run time. */
async function programs(): Promise<Finding[]> {
  const python = join(PACKAGE_FOLDER, '.venv', 'bin', 'python');
  try {
    const { stdout } = await promisify(execFile)(python, ['--version'], { timeout: 10_000 });
    return [{ name: 'Python', status: 'ok', value: `${stdout.trim().replace('Python ', '')}, ${python}` }];
  } catch {
    return [{ name: 'Python', status: 'note', value: 'not set up; only `timbre models export` needs it' }];
  }
}

async function cache(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const folders = modelFolders(env);
  const findings: Finding[] = [];
  try {
    const writable = await access(folders.cache, constants.W_OK).then(
      () => '',
      () => ', read-only',
    );
    const free = bytes(await freeBytes(folders.cache));
    findings.push({ name: 'model cache', status: 'ok', value: `${folders.cache}, ${free} free${writable}` });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const value = `${folders.cache} (${code === 'ENOENT' ? 'made by the first pull or add' : message})`;
    findings.push({ name: 'model cache', status: 'note', value });
  }
  const bundles = await listBundles(folders).catch((error: unknown) => error as Error);
  if (bundles instanceof Error) {
    return [...findings, { name: 'models', status: 'missing', value: 'cannot be read', remedy: bundles.message }];
  }
  for (const { id, manifest, error, bytes: size } of bundles) {
    const name = `model ${id}`;
    if (error) {
      findings.push({ name, status: 'note', value: 'damaged', remedy: error.message });
      continue;
    }
    const remark = manifest.trained ? '' : ', untrained';
    findings.push({ name, status: 'ok', value: `${manifest.family}, ${bytes(size)}${remark}` });
  }
  if (!bundles.some(({ manifest }) => manifest)) {
    findings.push({
      name: 'models',
      status: 'missing',
      value: `none in ${folders.cache}`,
      remedy: `fetch one: \`timbre models pull ${PUBLISHED_MODELS[0]!.name}\`, or convert one: \`timbre models add\``,
    });
  }
  return findings;
}

/** The bundle of the data folder's people, where there is one, against the one that is installed. */
async function keptBundle(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const kept = await keptModel(env['TIMBRE_DATA_DIR'] || 'data');
  if (kept === null) return [];
  const name = 'model of the data folder';
  const id = kept.slice(0, kept.lastIndexOf('@'));
  const wanted = env['TIMBRE_MODEL'] || id;
  const installed = await findBundle(wanted, modelFolders(env))
    .then(readManifest)
    .then(modelName, () => null);
  // Another model altogether was chosen.
  if (installed === null || installed === kept || !installed.startsWith(`${id}@`)) {
    return [{ name, status: 'ok', value: kept }];
  }
  const remedy = goesOnWith(kept, installed);
  return [{ name, status: 'note', value: `${kept}; installed is ${installed}`, remedy }];
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

// What a row of a benchmark names: machine, threads, commit, and what else the machine was doing.
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convertCheckpoint, readManifest, runtimeInfo } from '../../dist/addon/index.js';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** @returns {string} lines of a Markdown list */
export function describeMachine() {
  const { torch } = runtimeInfo();
  const git = (/** @type {string[]} */ ...words) => execFileSync('git', words, { cwd: ROOT, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--', 'native', 'src/addon') === '' ? '' : ', with changes';
  return [
    `- machine: ${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} processors, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    `- Node.js ${process.versions.node}, LibTorch ${torch.version} (${torch.cpuCapability})`,
    `- commit ${git('rev-parse', '--short', 'HEAD')}${changed}, ${new Date().toISOString().slice(0, 10)}`,
    `- load average when it began: ${loadavg()[0]?.toFixed(1) ?? ''}`,
  ].join('\n');
}

/** The words of this command line, files and folders without where they lie. */
export function commandWords() {
  return process.argv
    .slice(2)
    .map((word) => (word.includes('/') ? basename(word) : word))
    .join(' ');
}

/**
 * A bundle of the published size (20.8 M parameters at 1024 channels) with the weights of a formula: speed and memory
 * do not depend on the values.
 * @param {number} channels
 * @param {string} folder
 */
export async function formulaBundle(channels, folder) {
  const [checkpoint, out] = [`${folder}/c${channels}.ckpt`, `${folder}/c${channels}.pt`];
  const words = ['-m', 'timbre_models.weights', '--family', 'speechbrain', '--channels', String(channels)];
  execFileSync(`${ROOT}.venv/bin/python`, [...words, '--out', checkpoint], {
    env: { ...process.env, PYTHONPATH: `${ROOT}models` },
  });
  await convertCheckpoint({ checkpoint, family: 'speechbrain', id: `c${channels}`, out });
  return out;
}

/**
 * What `measure` gives of the bundled model and of one of the published size, or of the models that are named, in every
 * precision that this processor multiplies in; CAM++ is computed in fp32 alone.
 * @param {string[] | undefined} named
 * @param {string} folder
 * @param {(model: string, precision: 'fp32' | 'bf16' | 'auto') => Promise<string[]>} measure
 */
export async function inEveryPrecision(named, folder, measure) {
  const models = named ?? [`${ROOT}models/starter.pt`, await formulaBundle(1024, folder)];
  /** @type {string[]} */
  const rows = [];
  for (const model of models) {
    const { family } = await readManifest(model);
    if (family === 'campplus') {
      rows.push(...(await measure(model, 'fp32')));
      continue;
    }
    const int8 = `${folder}/${basename(model, '.pt')}-int8.pt`;
    await convertCheckpoint({ checkpoint: model, id: 'int8', out: int8, precision: 'int8' });
    rows.push(...(await measure(model, 'fp32')));
    if (runtimeInfo().torch.bf16 !== '') rows.push(...(await measure(model, 'bf16')));
    rows.push(...(await measure(int8, 'auto')));
  }
  return rows;
}

/** Resident memory of this process, MB. */
export function residentMb() {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kilobytes) / 1000;
}

/** Highest resident memory so far, MB. */
export function peakMb() {
  const kilobytes = /^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kilobytes) / 1000;
}

/**
 * Noise with a slow envelope: as good as speech where only time and memory count.
 * @param {number} seconds
 */
export function noise(seconds) {
  let state = 1;
  return {
    sampleRate: 16_000,
    samples: Float32Array.from({ length: Math.round(seconds * 16_000) }, (_, i) => {
      state = (state * 16_807) % 2_147_483_647;
      return 0.2 * Math.sin(i / 3000) * (state / 1_073_741_823 - 1);
    }),
  };
}

/**
 * A file of 16-bit samples.
 * @param {{ samples: Float32Array, sampleRate: number }} recording
 */
export function wav({ samples, sampleRate }) {
  const data = Buffer.from(Int16Array.from(samples, (x) => Math.round(32767 * x)).buffer);
  const header = Buffer.alloc(44);
  header.write('RIFF    WAVEfmt ', 'latin1');
  header.writeUInt32LE(36 + data.length, 4);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(2 * sampleRate, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(data.length, 40);
  return Buffer.concat([header, data]);
}

/**
 * @param {number[]} values
 * @param {number} share in [0, 1]
 */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformFile } from '@swc/core';
import {
  convertCheckpoint,
  isErrorCode,
  TimbreError,
  type BatchItem,
  type EmbedResult,
} from '../../src/addon/index.js';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CHECKPOINTS = join(ROOT, 'test', 'fixtures', 'checkpoints');

/** The rate of every test model. */
export const RATE = 16_000;

/** A folder of a test file's own, with what the addon's tests put into it. */
export class Workshop {
  private constructor(readonly folder: string) {}

  static async open(): Promise<Workshop> {
    return new Workshop(await mkdtemp(join(tmpdir(), 'timbre-addon-')));
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  async write(name: string, content: Uint8Array | string): Promise<string> {
    await writeFile(this.path(name), content);
    return this.path(name);
  }

  /** A bundle with the weights of a formula; of another family its embeddings are others. */
  async bundle(id = 'small', family: 'speechbrain' | 'wespeaker' = 'speechbrain'): Promise<string> {
    const out = this.path(`${id}.pt`);
    const checkpoint = family === 'speechbrain' ? 'speechbrain-c16.ckpt' : 'wespeaker-glob-c16.ckpt';
    await convertCheckpoint({ checkpoint: join(CHECKPOINTS, checkpoint), family, id, out });
    return out;
  }

  /** A package of this addon, compiled, without what other rooms hold. `addon`: whether it finds its addon. */
  async package(name = 'package', addon = true): Promise<string> {
    const folder = this.path(name);
    await mkdir(folder);
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    // What the in-process API is made of: it imports no other room.
    const rooms = ['addon', 'errors', 'support'];
    for (const room of rooms) await mkdir(join(folder, 'dist', room), { recursive: true });
    const files = await Promise.all(
      rooms.map(async (room) => (await readdir(join(ROOT, 'src', room))).map((file) => join(room, file))),
    );
    for (const source of files.flat().filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))) {
      const { code } = await transformFile(join(ROOT, 'src', source), {
        jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
      });
      await writeFile(join(folder, 'dist', source.replace(/\.ts$/, '.js')), code);
    }
    await symlink(join(ROOT, 'models'), join(folder, 'models'));
    if (addon) await symlink(join(ROOT, 'build'), join(folder, 'build'));
    return folder;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Something like a voice: harmonics of a wandering pitch, in syllables, over a little noise. */
export function voice(seconds: number, pitch = 120, rate = RATE): Float32Array {
  const samples = new Float32Array(Math.round(seconds * rate));
  let [phase, noise] = [0, pitch];
  for (let i = 0; i < samples.length; i++) {
    const t = i / rate;
    phase += (2 * Math.PI * pitch * (1 + 0.1 * Math.sin(5 * t))) / rate;
    // A sum of harmonics in closed form, that of r^n sin(n phase).
    const tone = (0.7 * Math.sin(phase)) / (1.49 - 1.4 * Math.cos(phase));
    noise = (noise * 16_807) % 2_147_483_647;
    samples[i] = 0.2 * tone * Math.max(0, Math.sin(9 * t)) + 0.004 * (noise / 2_147_483_647 - 0.5);
  }
  return samples;
}

/** A RIFF file of 16-bit PCM; `channels` of them interleaved in the samples. */
export function wav(samples: Float32Array, rate = RATE, channels = 1): Buffer {
  const data = Int16Array.from(samples, (x) => Math.max(-32768, Math.min(32767, Math.round(x * 32768))));
  return wavOf(Buffer.from(data.buffer), { rate, channels, format: 1, bits: 16 });
}

/** The two as channels of one file. */
export function stereo(one: Float32Array, other: Float32Array): Buffer {
  const samples = new Float32Array(2 * one.length);
  one.forEach((x, i) => samples.set([x, other[i]!], 2 * i));
  return wav(samples, RATE, 2);
}

export interface WavHeader {
  rate: number;
  channels: number;
  /** 1 for whole numbers, 3 for floating point. */
  format: number;
  bits: number;
  /** What the header says of the data's size; default: the truth. */
  declaredBytes?: number;
}

export function wavOf(data: Buffer, { rate, channels, format, bits, declaredBytes = data.length }: WavHeader): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + declaredBytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(format, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE((rate * channels * bits) / 8, 28);
  header.writeUInt16LE((channels * bits) / 8, 32);
  header.writeUInt16LE(bits, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(declaredBytes, 40);
  return Buffer.concat([header, data]);
}

/** 16-bit PCM written and read: what a WAV file keeps of samples. */
export function asPcm16(samples: Float32Array): Float32Array {
  return samples.map((x) => Math.max(-32768, Math.min(32767, Math.round(x * 32768))) / 32768);
}

/** The error that a promise rejects with, which is a TimbreError with a message for people. */
export async function failure(promise: Promise<unknown>): Promise<TimbreError> {
  const thrown = await promise.then(
    (value) => {
      throw new Error(`no error, but ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
  if (!(thrown instanceof TimbreError)) throw thrown;
  if (!isErrorCode(thrown.code) || thrown.message.length < 10) throw new Error(`not typed: ${String(thrown)}`);
  return thrown;
}

/** The result of a batch's item that should have one. */
export function resultOf(item: BatchItem | undefined): EmbedResult {
  if (item && 'result' in item) return item.result;
  throw item?.error ?? new Error('no such item');
}

/** The error of a batch's item that should have one. */
export function errorOf(item: BatchItem | undefined): TimbreError {
  if (item && 'error' in item) return item.error;
  throw new Error('no error');
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs a module's text in a Node process of its own, which imports the package as `#timbre`. */
export async function runNode(folder: string, source: string, flags: readonly string[] = []): Promise<Ended> {
  const entry = pathToFileURL(join(folder, 'dist', 'addon', 'index.js')).href;
  const script = join(folder, `script-${randomUUID()}.mjs`);
  await writeFile(script, source.replaceAll('#timbre', entry));
  const child = spawn(process.execPath, [...flags, script], {
    env: withoutJest(process.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
}

function withoutJest(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_V8_COVERAGE: _coverage, ...rest } = env;
  return rest;
}

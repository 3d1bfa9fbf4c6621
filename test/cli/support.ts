import { writeFile } from 'node:fs/promises';
import { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { run } from '../../src/cli/program.js';

const CHECKPOINTS = fileURLToPath(new URL('../fixtures/checkpoints/', import.meta.url));
/** An untrained network of the speechbrain family with embeddings of 32 dimensions. */
export const CHECKPOINT = `${CHECKPOINTS}speechbrain-c16.ckpt`;
export const OTHER_CHECKPOINT = `${CHECKPOINTS}wespeaker-glob-c16.ckpt`;

export interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

interface In {
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  stdin?: Readable & { isTTY?: boolean };
}

/** Runs a command line in this process. */
export async function timbre(
  argv: string[],
  { env = {}, signal = new AbortController().signal, stdin = Readable.from([]) }: In = {},
): Promise<Ran> {
  const written = { stdout: '', stderr: '' };
  const into = (name: keyof typeof written): Writable =>
    new Writable({
      write(chunk: Buffer, _, done) {
        written[name] += chunk.toString();
        done();
      },
    });
  const status = await run(argv, { stdout: into('stdout'), stderr: into('stderr'), stdin: () => stdin, env, signal });
  return { status, ...written };
}

/** A mono WAV file of a voice-like sound: pulses of 90 to 300 Hz through a moving resonance, and a little noise. */
export async function writeVoice(path: string, { seconds = 1, pitch = 120, rate = 16000 } = {}): Promise<void> {
  const samples = new Int16Array(Math.round(seconds * rate));
  let [before, last, noise, phase] = [0, 0, 1, 0];
  for (let i = 0; i < samples.length; i++) {
    noise = (Math.imul(noise, 1664525) + 1013904223) | 0;
    phase += (pitch * (1 + 0.1 * Math.sin((6 * i) / rate))) / rate;
    const pulse = phase >= 1 ? 1 : 0;
    phase %= 1;
    const centre = 700 + 300 * Math.sin((4 * i) / rate);
    const next = 1.9 * Math.cos((2 * Math.PI * centre) / rate) * last - 0.9025 * before + pulse + noise / 2 ** 38;
    [before, last] = [last, next];
    samples[i] = Math.max(-32768, Math.min(32767, 6000 * next));
  }
  await writeFile(path, wav(samples, rate));
}

export function wav(samples: Int16Array, rate: number): Buffer {
  return riff(samples, rate, 1);
}

export function floatWav(samples: Float32Array, rate: number): Buffer {
  return riff(samples, rate, 3);
}

/** A mono WAV file; format 1: whole numbers, 3: IEEE floating point. */
function riff(samples: Int16Array | Float32Array, rate: number, format: 1 | 3): Buffer {
  const width = samples.BYTES_PER_ELEMENT;
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.byteLength, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(format, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * width, 28);
  head.writeUInt16LE(width, 32);
  head.writeUInt16LE(8 * width, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([head, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)]);
}

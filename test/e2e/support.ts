import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { convertCheckpoint, updateManifest } from '../../src/addon/index.js';
import type { EncoderStats } from '../../src/addon/types.js';
import { startService, type Service } from '../../src/service/app/service.js';
import { keyIn, LOCAL_KEY_FILE } from '../../src/support/key-file.js';
import { createLog } from '../../src/service/http/logging.js';
import { EmbeddingEngine } from '../../src/service/engine/embedding-engine.js';
import { Config, type ConfigInput } from '../../src/service/config/config.js';
import { databaseEnv, databaseSettings } from '../integration/stores.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/checkpoints/${name}`, import.meta.url));
const CHECKPOINTS = {
  speechbrain: fixture('speechbrain-c16.ckpt'),
  wespeaker: fixture('wespeaker-glob-c16.ckpt'),
} as const;

/** Where a test file keeps everything; removed by `remove`. */
export class Workshop {
  private constructor(readonly folder: string) {}

  static async open(): Promise<Workshop> {
    return new Workshop(await mkdtemp(join(tmpdir(), 'timbre-e2e-')));
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** A small model of the fixtures as a bundle, with a calibration; of another family its embeddings are others. */
  async bundle(id = 'small', family: keyof typeof CHECKPOINTS = 'speechbrain'): Promise<string> {
    const out = this.path(`${id}.pt`);
    await convertCheckpoint({ checkpoint: CHECKPOINTS[family], family, id, out });
    await updateManifest(
      out,
      {
        calibration: { offset: -4, scale: 10, quality: {} },
        thresholds: [{ falseAcceptRate: 0.01, cosine: 0.5, llr: 1 }],
      },
      out,
    );
    return out;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A service on free ports, in a folder of its own. */
export class TestService {
  private constructor(
    readonly service: Service,
    readonly uploadDir: string,
    readonly dataDir: string,
    /** The local key; empty where the service makes none. */
    readonly key: string,
    /** Every line of the log, parsed. */
    readonly log: Record<string, unknown>[],
  ) {}

  static async start(workshop: Workshop, settings: ConfigInput = {}): Promise<TestService> {
    const uploadDir = await mkdtemp(workshop.path('uploads-'));
    const log: Record<string, unknown>[] = [];
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        log.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
        done();
      },
    });
    const dataDir = settings.dataDir ?? (await mkdtemp(workshop.path('data-')));
    const config = Config.of({
      port: 0,
      sidecarPort: 0,
      workers: 2,
      logLevel: 'trace',
      uploadDir,
      dataDir,
      ...databaseSettings(dataDir),
      modelCacheDir: workshop.path('models'),
      audioRoots: [workshop.path('recordings')],
      drainSeconds: 5,
      rateLimit: 0,
      // Asked for where consent is what is tested.
      consent: 'optional',
      ...settings,
    });
    const service = await startService(config, createLog(config.logLevel, sink));
    const key = keyIn(await readFile(join(config.dataDir, LOCAL_KEY_FILE), 'utf8').catch(() => ''));
    return new TestService(service, uploadDir, config.dataDir, key, log);
  }

  get url(): string {
    return this.service.url;
  }

  /** Variables by which a command finds the local key, and the database. */
  get env(): NodeJS.ProcessEnv {
    return { TIMBRE_DATA_DIR: this.dataDir, ...databaseEnv(this.dataDir) };
  }

  engineStats(): EncoderStats {
    return this.service.app.get(EmbeddingEngine, { strict: false }).stats();
  }

  /** Recordings that wait or are being embedded. */
  inEngine(): number {
    const { queued, running } = this.engineStats();
    return queued + running;
  }

  /** What lies in the folder of uploads now. */
  uploads(): Promise<string[]> {
    return readdir(this.uploadDir);
  }

  /** With the local key, unless the request has one of its own. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has('x-api-key') && !headers.has('authorization')) headers.set('authorization', `Bearer ${this.key}`);
    return fetch(new URL(path, this.url), { ...init, headers });
  }

  /** Status and JSON of the answer to whoever sends no key. */
  async anonymously(path: string, init?: RequestInit): ReturnType<TestService['call']> {
    return answerOf(await fetch(new URL(path, this.url), init));
  }

  /** Status and JSON of an answer. */
  async call(path: string, init?: RequestInit): Promise<{ status: number; headers: Headers; body: unknown }> {
    return answerOf(await this.fetch(path, init));
  }

  postJson(path: string, value: unknown): ReturnType<TestService['call']> {
    const headers = { 'content-type': 'application/json' };
    return this.call(path, { method: 'POST', headers, body: JSON.stringify(value) });
  }

  postForm(path: string, parts: readonly Part[], init: RequestInit = {}): ReturnType<TestService['call']> {
    return this.call(path, { ...init, method: 'POST', body: formOf(parts) });
  }

  close(): Promise<void> {
    return this.service.close();
  }
}

async function answerOf(response: Response): ReturnType<TestService['call']> {
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? null : (JSON.parse(text) as unknown),
  };
}

/**
 * Seconds of the longest recording that the service takes unless told otherwise: it keeps a worker busy for hundreds of
 * times as long as a request takes to be answered.
 */
export const LONGEST = 300;

/** A voice-like WAV, 16-bit mono: a buzz of harmonics that depends on the seed, in syllables. Same seed, same bytes. */
export function wav(seconds: number, { seed = 1, rate = 16_000 }: { seed?: number; rate?: number } = {}): Buffer {
  const samples = Math.round(seconds * rate);
  const bytes = Buffer.alloc(44 + 2 * samples);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(36 + 2 * samples, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(2 * rate, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(2 * samples, 40);
  const period = voice(rate, seed);
  for (let at = 44; at < bytes.length; at += period.length) period.copy(bytes, at);
  return bytes;
}

const voices = new Map<string, Buffer>();

/** One second as 16-bit PCM, which repeats without a seam. */
function voice(rate: number, seed: number): Buffer {
  const name = `${rate} ${seed}`;
  let known = voices.get(name);
  if (!known) {
    known = Buffer.from(samplesOf(rate, seed).buffer);
    voices.set(name, known);
  }
  return known;
}

function samplesOf(rate: number, seed: number): Int16Array<ArrayBuffer> {
  // Locals: in jest's sandbox every use of a global is slow.
  const { sin, abs, round, PI } = Math;
  const pitch = 90 + 23 * seed;
  return Int16Array.from({ length: rate }, (_, i) => {
    const t = (2 * PI * i) / rate;
    let value = 0;
    for (let k = 1; k <= 20; k++) value += sin(pitch * k * t + k * seed) / (1 + abs(k - 4 - seed));
    return round(4000 * (0.55 + 0.45 * sin(3 * t)) * value);
  });
}

/** A WAV of digital silence. */
export function silence(seconds: number): Buffer {
  const bytes = wav(seconds);
  bytes.fill(0, 44);
  return bytes;
}

/** Waits for something that has no event, and fails after ten seconds unless told otherwise. */
export async function until(condition: () => boolean | Promise<boolean>, seconds = 10): Promise<void> {
  const end = performance.now() + 1000 * seconds;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`never came true: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export type Part = readonly [name: string, value: Buffer | string, filename?: string];

/** A form; a part that is a Buffer goes as a file. */
export function formOf(parts: readonly Part[]): FormData {
  const form = new FormData();
  for (const [name, value, filename = 'recording.wav'] of parts) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, new Blob([new Uint8Array(value)]), filename);
  }
  return form;
}

const SENTENCES = [
  'The north wind and the sun were disputing which was the stronger, when a traveller came along in a warm cloak.',
  'They agreed that whoever first made the traveller take off the cloak should be considered the stronger one.',
  'Then the north wind blew as hard as it could, but the more it blew, the closer the traveller drew the cloak.',
];

const spokenBefore = new Map<string, Buffer>();

/** About six seconds of synthetic speech as a WAV file, by espeak-ng, which set-up installs; the same voice and sentence give the same bytes. */
export function spoken(voice: string, sentence: 0 | 1 | 2): Buffer {
  const name = `${voice} ${sentence}`;
  const known = spokenBefore.get(name);
  if (known) return Buffer.from(known);
  const made = execFileSync('espeak-ng', ['-v', `en-us+${voice}`, '--stdout', SENTENCES[sentence]!], {
    maxBuffer: 16 * 1024 * 1024,
  });
  spokenBefore.set(name, made);
  return Buffer.from(made);
}

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** The built service in a process of its own, once its model is loaded; `words` of `timbre serve`. Whoever starts it ends it. */
export async function startBuilt(
  dataDir: string,
  words: readonly string[],
  { env = {}, onStart = () => undefined }: { env?: NodeJS.ProcessEnv; onStart?: (child: ChildProcess) => void } = {},
): Promise<{ url: string; key: string; child: ChildProcess; exited: Promise<unknown> }> {
  if (!existsSync(MAIN)) throw new Error('dist/ is not built: run `npm run build`');
  const common = ['serve', '--port', '0', '--sidecar-port', 'off', '--data-dir', dataDir];
  const child = spawn(process.execPath, [MAIN, ...common, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', ...databaseEnv(dataDir), ...env },
  });
  onStart(child);
  const exited = once(child, 'exit');
  const url = await new Promise<string>((resolve, reject) => {
    void exited.then(() => reject(new Error('the service ended before it was ready')));
    let listens = '';
    createInterface({ input: child.stderr }).on('line', (line) => {
      const entry = JSON.parse(line) as { msg: string; url?: string };
      if (entry.url !== undefined) listens = entry.url;
      if (entry.msg === 'the model is loaded') resolve(listens);
    });
  });
  return { url, child, exited, key: keyIn(await readFile(join(dataDir, LOCAL_KEY_FILE), 'utf8')) };
}

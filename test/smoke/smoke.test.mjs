// What must work on every version of Node.js that the package names, in under a minute: run by scripts/test/node-versions.mjs
// with each of them, on what the version at hand has built.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ADDON = new URL('../../dist/addon/index.js', import.meta.url).href;
const TIMBRE = join(ROOT, 'dist', 'cli', 'main.js');

/** @type {typeof import('../../dist/addon/index.js')} */
const { convertCheckpoint, cosine, SpeakerEncoder, updateManifest } = await import(ADDON);

/** @type {string} */
let folder;
/** @type {string} */
let model;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'timbre-smoke-'));
  model = join(folder, 'small.pt');
  const checkpoint = join(ROOT, 'test', 'fixtures', 'checkpoints', 'speechbrain-c16.ckpt');
  await convertCheckpoint({ checkpoint, family: 'speechbrain', id: 'small', out: model });
  const thresholds = [{ falseAcceptRate: 0.01, cosine: 0.5, llr: 1 }];
  await updateManifest(model, { calibration: { offset: -4, scale: 10, quality: {} }, thresholds }, model);
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** Three seconds of something like a voice, as 16-bit samples at 16 kHz. @param {number} [seed] which voice */
function wav(seed = 1) {
  const { abs, PI, round, sin } = Math;
  const pitch = 90 + 23 * seed;
  const samples = Int16Array.from({ length: 48_000 }, (_, i) => {
    const t = (2 * PI * i) / 16_000;
    let value = 0;
    for (let k = 1; k <= 20; k++) value += sin(pitch * k * t + k * seed) / (1 + abs(k - 4 - seed));
    return round(4000 * (0.55 + 0.45 * sin(3 * t)) * value);
  });
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(16_000, 24);
  header.writeUInt32LE(32_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer)]);
}

describe('the addon', () => {
  test('embeds bytes, samples and files, and a bad one loses nothing else', async () => {
    const encoder = await SpeakerEncoder.load({ model, workers: 1 });
    const file = join(folder, 'a.wav');
    writeFileSync(file, wav());
    const items = await encoder.embedBatch([wav(), file, Buffer.from('no recording')]);
    const [bytes, path, bad] = items.map((item) => ('result' in item ? item.result : item.error));
    assert.ok(bytes && 'embedding' in bytes && path && 'embedding' in path);
    assert.equal(bytes.embedding.length, 32);
    assert.ok(cosine(bytes, path) > 0.999999);
    assert.equal(/** @type {{ code: string }} */ (bad).code, 'AUDIO_UNSUPPORTED');
    await encoder.close();
  });

  test('ends what is aborted', async () => {
    const encoder = await SpeakerEncoder.load({ model, workers: 1 });
    await assert.rejects(encoder.embed(wav(), { signal: globalThis.AbortSignal.abort() }), { code: 'ABORTED' });
    await encoder.close();
  });

  test('works in a worker thread that ends without closing it', async () => {
    const source = `
      import { parentPort, workerData } from 'node:worker_threads';
      const { SpeakerEncoder } = await import(workerData.addon);
      const encoder = await SpeakerEncoder.load({ model: workerData.model, workers: 1 });
      const { embedding } = await encoder.embed(Buffer.from(workerData.wav));
      parentPort.postMessage(embedding.length);
      process.exit(0);`;
    const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    const worker = new Worker(url, { workerData: { addon: ADDON, model, wav: wav() } });
    const exited = once(worker, 'exit');
    const [length] = await once(worker, 'message');
    assert.equal(length, 32);
    assert.deepEqual(await exited, [0]);
  });
});

describe('the command', () => {
  test('embeds a file, and says what is there', async () => {
    const file = join(folder, 'b.wav');
    writeFileSync(file, wav());
    const env = { ...process.env, MODEL_CACHE_DIR: folder };
    const run = (/** @type {string[]} */ ...words) =>
      promisify(execFile)(process.execPath, [TIMBRE, ...words], { env });
    const { stdout } = await run('embed', file, '--model', model, '--jsonl');
    assert.equal(JSON.parse(stdout).embedding.length, 32);
    const doctor = JSON.parse((await run('doctor', '--json')).stdout);
    assert.equal(doctor.healthy, true, JSON.stringify(doctor.findings));
    assert.ok(
      doctor.findings.some(
        (/** @type {{ name: string, value: string }} */ { name, value }) =>
          name === 'Node.js' && value === process.versions.node,
      ),
    );
  });
});

describe('the service', () => {
  test('enrols, verifies, identifies, streams the events of a job, erases, and stops when it is told to', async () => {
    const data = join(folder, 'data');
    const env = {
      ...process.env,
      PORT: '0',
      EMBEDDING_SERVICE_PORT: 'off',
      TIMBRE_MODEL: model,
      TIMBRE_DATA_DIR: data,
      TIMBRE_UPLOAD_DIR: join(folder, 'uploads'),
      TIMBRE_CONSENT: 'optional',
      TIMBRE_MIN_SPEECH_SECONDS: '0',
      TIMBRE_ENROLLMENT_SECONDS: '0',
    };
    const child = spawn(process.execPath, [TIMBRE, 'serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (log += String(text)));
    const closed = once(child, 'close');
    try {
      const url = await listening(child, () => log);
      const authorization = readFileSync(join(data, 'local.key'), 'utf8')
        .replace(/^Authorization:/, '')
        .trim();
      /** @param {string} path @param {RequestInit} [init] @returns {Promise<any>} */
      const call = async (path, init) => {
        const response = await fetch(url + path, { ...init, headers: { authorization, ...init?.headers } });
        const text = await response.text();
        assert.ok(response.ok, `${path}: ${response.status} ${text}`);
        return text.startsWith('{') ? JSON.parse(text) : text;
      };
      for (;;) {
        const { status } = await fetch(`${url}/health/ready`);
        if (status === 200) break;
        assert.equal(child.exitCode, null, log);
      }
      const json = (/** @type {object} */ value) => ({
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(value),
      });
      const form = (/** @type {Record<string, string>} */ fields = {}, seed = 1) => {
        const body = new FormData();
        for (const [name, value] of Object.entries(fields)) body.set(name, value);
        body.append('audio', new Blob([wav(seed)]), 'a.wav');
        return { method: 'POST', body };
      };
      await call('/v1/speakers', json({ id: 'ada' }));
      await call('/v1/speakers/ada/enrollments', form());
      assert.equal((await call('/v1/speakers/ada/verify', form())).decision, 'ACCEPT');
      assert.equal((await call('/v1/identify', form())).speakerId, 'ada');
      const items = JSON.stringify([{ speakerId: 'bob' }]);
      const job = await call('/v1/training-sessions', form({ items, createSpeakers: 'true' }, 2));
      assert.match(await call(`/v1/jobs/${job.id}/events`), /^event: end/m);
      assert.equal((await call('/v1/speakers')).total, 2);
      assert.match((await call('/v1/speakers/ada', { method: 'DELETE' })).receipt, /^[0-9a-f-]{36}$/);
    } finally {
      child.kill('SIGTERM');
      await closed;
    }
    assert.equal(child.signalCode, 'SIGTERM', log);
    assert.match(log, /stopped/);
    assert.doesNotMatch(log, /"level":(50|60)/);
  });
});

/** @param {import('node:child_process').ChildProcess} child @param {() => string} log @returns {Promise<string>} */
function listening(child, log) {
  return new Promise((resolve, reject) => {
    const look = () => {
      const url = /the API listens on (http:\/\/[^\s,"]+)/.exec(log())?.[1];
      if (url) resolve(url);
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('close', () => reject(new Error(log())));
  });
}

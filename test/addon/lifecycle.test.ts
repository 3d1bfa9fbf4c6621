import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runNode, voice, wav, Workshop } from './support.js';

let workshop: Workshop;
let folder: string;
/** What every script begins with. */
let prelude: string;

beforeAll(async () => {
  workshop = await Workshop.open();
  folder = await workshop.package();
  const bundle = await workshop.bundle();
  const file = await workshop.write('voice.wav', wav(voice(2)));
  prelude = `
    import { readdirSync, readFileSync } from 'node:fs';
    import { isMainThread, Worker, workerData } from 'node:worker_threads';
    import { SpeakerEncoder, TimbreError, verifyBundle } from '#timbre';
    const model = ${JSON.stringify(bundle)};
    const file = ${JSON.stringify(file)};
    const load = (options) => SpeakerEncoder.load({ model, workers: 2, ...options });
    const long = { samples: Float32Array.from({ length: 60 * 16000 }, (_, i) => Math.sin(i * i * 1e-6)), sampleRate: 16000 };
    /** Threads of the addon in this process. */
    const threads = () =>
      readdirSync('/proc/self/task').filter((id) => {
        try {
          return readFileSync('/proc/self/task/' + id + '/comm', 'utf8').startsWith('timbre-');
        } catch {
          return false;
        }
      }).length;
    const turn = () => new Promise(setImmediate);
  `;
});

afterAll(() => workshop.remove());

/** Runs a script and expects it to end by itself, with this exit status, and to write this. */
async function expectEnd(script: string, code: number, stdout: string | RegExp, flags: string[] = []): Promise<string> {
  const end = await runNode(folder, prelude + script, flags);
  const { signal, stderr } = end;
  expect({ code: end.code, signal, stdout: end.stdout.trim(), stderr: code === 0 ? stderr : '' }).toEqual({
    code,
    signal: null,
    stdout: typeof stdout === 'string' ? stdout : expect.stringMatching(stdout),
    stderr: '',
  });
  return stderr;
}

describe('a process ends', () => {
  test('by itself, though an encoder was never closed', async () => {
    await expectEnd(`const e = await load(); await e.embed(file); console.log(threads() > 1);`, 0, 'true');
  });

  test('by itself only when all that is in flight has settled', async () => {
    await expectEnd(`const e = await load(); e.embed(file).then(() => console.log('embedded'));`, 0, 'embedded');
    await expectEnd(`load().then(() => console.log('loaded'));`, 0, 'loaded');
    await expectEnd(`const e = await load(); e.close().then(() => console.log('closed', threads()));`, 0, 'closed 0');
  });

  test('though nobody takes an encoder that has dropped out of reach', async () => {
    await expectEnd(
      `await (await load()).embed(file).then(({ model }) => console.log(model.slice(0, 6)));`,
      0,
      'small@',
    );
  });

  test.each([
    ['embedding', `const e = await load(); for (let i = 0; i < 20; i++) e.embed(long).catch(() => {});`],
    ['a batch', `const e = await load(); e.embedBatch(Array(500).fill(file));`],
    ['loading', `for (let i = 0; i < 4; i++) load();`],
    ['closing', `const e = await load(); e.embed(long).catch(() => {}); e.close({ drainMs: 60000 });`],
    ['verifying', `verifyBundle(model);`],
  ])('by process.exit() while %s', async (_what, work) => {
    await expectEnd(`${work} console.log('exits'); process.exit(3);`, 3, 'exits');
    await expectEnd(`${work} setTimeout(() => { console.log('exits'); process.exit(3); }, 30);`, 3, 'exits');
  });

  test('by process.exit() where a result arrives', async () => {
    const script = `const e = await load(); for (let i = 0; i < 9; i++) e.embed(file).then(() => process.exit(4));`;
    await expectEnd(script, 4, '');
  });

  test('by an error that nobody catches while embedding', async () => {
    const work = `const e = await load(); for (let i = 0; i < 20; i++) e.embed(long).catch(() => {});`;
    expect(await expectEnd(`${work} setTimeout(() => { throw new Error('mine'); }, 20);`, 1, '')).toContain('mine');
    expect(await expectEnd(`${work} throw new Error('mine too');`, 1, '')).toContain('mine too');
  });

  test('by a rejection that nobody handles, which is typed', async () => {
    const stderr = await expectEnd(`const e = await load(); e.embed('/nobody.wav'); e.embed(long);`, 1, '');
    expect(stderr).toContain('AUDIO_NOT_FOUND');
  });

  test('by a signal', async () => {
    const script = `const e = await load(); e.embedBatch(Array(500).fill(file)); setTimeout(() => process.kill(process.pid), 20);`;
    expect(await runNode(folder, prelude + script)).toMatchObject({ code: null, signal: 'SIGTERM' });
  });
});

describe('worker threads', () => {
  const inWorkers = (count: number, work: string): string => `
    const worker = \`
      import { parentPort } from 'node:worker_threads';
      import { SpeakerEncoder } from '#timbre';
      const [model, file] = \${JSON.stringify([model, file])};
      const e = await SpeakerEncoder.load({ model, workers: 1 });
      ${work}
    \`;
    const start = () => new Worker(new URL('data:text/javascript,' + encodeURIComponent(worker)));
    const workers = Array.from({ length: ${count} }, start);
  `;

  test('each load and embed, all at once and beside the main thread, with one result', async () => {
    const work = `const { embedding } = await e.embed(file); parentPort.postMessage(embedding); await e.close();`;
    const script = `
      ${inWorkers(4, work)}
      const results = await Promise.all(workers.map((w) => new Promise((resolve, reject) => w.on('message', resolve).on('error', reject))));
      const e = await load();
      const { embedding } = await e.embed(file);
      console.log(results.filter((each) => each.every((x, i) => x === embedding[i])).length, embedding.length);
    `;
    await expectEnd(script, 0, '4 32');
  });

  test('may be left without closing', async () => {
    const script = `
      ${inWorkers(3, `parentPort.postMessage((await e.embed(file)).model);`)}
      const codes = await Promise.all(workers.map((w) => new Promise((resolve) => w.on('exit', resolve))));
      console.log(codes.join(), threads());
    `;
    await expectEnd(script, 0, '0,0,0 0');
  });

  test('may be terminated in mid-flight, again and again; their threads end with them', async () => {
    const work = `e.embedBatch(Array(5000).fill(file)); for (let i = 0; i < 50; i++) e.embed(file).catch(() => {}); parentPort.postMessage(1);`;
    const script = `
      for (let round = 0; round < 4; round++) {
        ${inWorkers(3, work)}
        await Promise.all(workers.map((w) => new Promise((resolve) => w.once('message', resolve))));
        for (let i = 0; i < 5 * round; i++) await turn();
        await Promise.all(workers.map((w) => w.terminate()));
      }
      console.log(threads());
      const e = await load();
      console.log((await e.embed(file)).embedding.length);
    `;
    await expectEnd(script, 0, '0\n32');
  });

  test('may be terminated while they load', async () => {
    const script = `
      ${inWorkers(3, '').replace('const e = await', 'parentPort.postMessage(1); const e = await')}
      await Promise.all(workers.map((w) => new Promise((resolve) => w.once('message', resolve))));
      await Promise.all(workers.map((w) => w.terminate()));
      console.log(threads());
    `;
    await expectEnd(script, 0, '0');
  });

  test('end with process.exit() of the main thread', async () => {
    const script = `
      ${inWorkers(2, `parentPort.postMessage(1); e.embedBatch(Array(5000).fill(file));`)}
      await Promise.all(workers.map((w) => new Promise((resolve) => w.once('message', resolve))));
      await turn();
      process.exit(5);
    `;
    await expectEnd(script, 5, '');
  });

  test('send errors and results to each other', async () => {
    const work = `const [ok, bad] = await e.embedBatch([file, '/nobody.wav']); parentPort.postMessage({ ok: ok.result, bad: bad.error });`;
    const script = `
      ${inWorkers(1, work)}
      const { ok, bad } = await new Promise((resolve) => workers[0].once('message', resolve));
      console.log(ok.embedding.length, bad.message.length > 10);
    `;
    await expectEnd(script, 0, '32 true');
  });
});

describe('garbage collection', () => {
  test('frees the engines of encoders that were dropped', async () => {
    const script = `
      for (let i = 0; i < 6; i++) await (await load()).embed(file);
      const before = threads();
      // Finalizers run on later turns, threads end on their own.
      const until = Date.now() + 30000;
      while (threads() > 0 && Date.now() < until) { gc(); await turn(); }
      console.log(before > 0, threads());
    `;
    await expectEnd(script, 0, 'true 0', ['--expose-gc']);
  });

  test('spares an encoder that has something in flight', async () => {
    const script = `
      const pending = [];
      for (let i = 0; i < 3; i++) { const e = await load({ workers: 1 }); for (let j = 0; j < 3; j++) pending.push(e.embed(long)); }
      for (let i = 0; i < 20; i++) { gc(); await turn(); }
      console.log((await Promise.all(pending)).length);
    `;
    await expectEnd(script, 0, '9', ['--expose-gc']);
  });

  test('spares an encoder that closes', async () => {
    const script = `
      const closing = [];
      for (let i = 0; i < 3; i++) { const e = await load(); e.embed(long).catch(() => {}); closing.push(e.close()); }
      for (let i = 0; i < 20; i++) { gc(); await turn(); }
      await Promise.all(closing);
      console.log(threads());
    `;
    await expectEnd(script, 0, '0', ['--expose-gc']);
  });
});

test('many encoders at once, loaded, used and closed together, time and again', async () => {
  const script = `
    for (let round = 0; round < 3; round++) {
      const encoders = await Promise.all(Array.from({ length: 8 }, () => load({ workers: 1 })));
      const results = await Promise.all(encoders.map((e) => e.embed(file)));
      if (new Set(results.map(({ embedding }) => embedding.join())).size !== 1) throw new Error('not the same');
      await Promise.all(encoders.map((e) => e.close()));
    }
    console.log(threads());
  `;
  await expectEnd(script, 0, '0');
});

import { randomFillSync } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { addon } from '../../src/addon/binding.js';
import { runtimeInfo, SpeakerEncoder } from '../../src/addon/index.js';
import { tryDecoder } from '../../src/addon/walls.js';
import { failure, runNode, voice, wav, wavOf, Workshop } from '../addon/support.js';
import { TestService, until, Workshop as ServiceWorkshop } from '../e2e/support.js';
import { corpus, mutated } from '../fuzz/mutated-recordings.mjs';

/** Recordings are decoded where there is nothing to take: whoever finds a way into a decoder has got a recording. */

/** The processes that decode for this one. */
function decoders(): number[] {
  return readdirSync('/proc/self/task')
    .flatMap((thread) => readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' '))
    .filter((child) => child !== '' && readFileSync(`/proc/${child}/comm`, 'utf8').trim() === 'timbre-decoder')
    .map(Number);
}

function status(pid: number): Map<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').trim().split('\n');
  return new Map(lines.map((line) => [line.split(':')[0]!, line.slice(line.indexOf(':') + 1).trim()]));
}

/** Processor time that a process has used, in ticks. */
function ticks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** Ends processes, and waits until they have. */
async function end(pids: readonly number[]): Promise<void> {
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await until(() => pids.every((pid) => status(pid).get('State')?.startsWith('Z')));
}

/** Takes a decoder a second and more: 250 s of two channels at 48 kHz. */
function long(): Buffer {
  const data = randomFillSync(Buffer.alloc(250 * 48_000 * 2 * 2));
  return wavOf(data, { rate: 48_000, channels: 2, format: 1, bits: 16 });
}

describe('a process that decodes', () => {
  let workshop: Workshop;
  let encoder: SpeakerEncoder;
  const short = wav(voice(1));

  beforeAll(async () => {
    workshop = await Workshop.open();
    encoder = await SpeakerEncoder.load({
      model: await workshop.bundle(),
      workers: 1,
      isolation: 'process',
    });
  });

  afterAll(async () => {
    await encoder.close();
    await workshop.remove();
  });

  test('has no privileges to gain, no calls but the few, and nothing of the environment', async () => {
    await encoder.embed(short);
    const [pid, ...others] = decoders();
    expect(others).toEqual([]);
    const facts = status(pid!);
    expect(facts.get('NoNewPrivs')).toBe('1');
    expect(facts.get('Seccomp')).toBe('2');
    expect(facts.get('Threads')).toBe('1');
    const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
    expect(limits).toMatch(/^Max file size +0 +0/m);
    expect(limits).toMatch(/^Max core file size +0 +0/m);
    expect(limits).toMatch(/^Max open files +16 +16/m);
    expect(await tryDecoder()).toEqual(runtimeInfo().walls);
  });

  test('that is killed in the middle costs that recording and nothing else', async () => {
    await encoder.embed(short);
    const [pid] = decoders();
    const before = ticks(pid!);
    const lost = failure(encoder.embed(long()));
    const waiting = encoder.embed(short);
    await until(() => ticks(pid!) > before + 2);
    process.kill(pid!, 'SIGKILL');
    const { code, message } = await lost;
    expect(code).toBe('DECODER_FAILED');
    expect(message).toContain('the decoder ended while it read the recording, signal 9');
    expect((await waiting).audio.format).toBe('WAV/PCM_16');
    expect(decoders()).not.toContain(pid);
  });

  test('that is killed with nothing to do costs no recording', async () => {
    await encoder.embed(short);
    await end(decoders());
    await expect(encoder.embed(short)).resolves.toBeDefined();
  });

  test('keeps no descriptors, over many recordings and several processes', async () => {
    await encoder.embed(short);
    const before = descriptors();
    const clip = wav(voice(0.3));
    for (let round = 0; round < 5; round++) {
      const items = await encoder.embedBatch(Array.from({ length: 60 }, () => clip));
      expect(items.every((item) => 'result' in item)).toBe(true);
      await end(decoders());
    }
    await encoder.embed(short);
    expect(descriptors()).toBe(before);
    expect(decoders()).toHaveLength(1);
  }, 240_000);

  test('outlives damaged recordings of every format', async () => {
    await encoder.embed(short);
    const before = decoders();
    const originals = corpus();
    const items = await encoder.embedBatch(
      Array.from({ length: 120 }, (_, index) => mutated(originals, 20_261, index).bytes),
      { allowSilence: true },
    );
    const codes = new Set(items.map((item) => ('error' in item ? item.error.code : 'embedded')));
    for (const code of codes) expect(code).toMatch(/^(embedded|AUDIO_\w+)$/);
    expect(codes.size).toBeGreaterThan(2);
    expect(decoders()).toEqual(before);
  }, 240_000);

  test('ends with its host, though that is killed', async () => {
    const folder = await workshop.package();
    const script = `
      import { readdirSync, readFileSync } from 'node:fs';
      import { SpeakerEncoder } from '#timbre';
      const model = ${JSON.stringify(workshop.path('small.pt'))};
      const encoder = await SpeakerEncoder.load({ model, workers: 1, isolation: 'process' });
      await encoder.embed(${JSON.stringify(await workshop.write('short.wav', short))});
      const children = readdirSync('/proc/self/task').map((id) => readFileSync('/proc/self/task/' + id + '/children', 'utf8'));
      console.log(children.join(''));
      process.kill(process.pid, 'SIGKILL');
    `;
    const end = await runNode(folder, script);
    expect(end.signal).toBe('SIGKILL');
    const pid = Number(end.stdout);
    expect(pid).toBeGreaterThan(0);
    // Whoever takes its end may leave what the kernel knows of it lying.
    await until(() => !existsSync(`/proc/${pid}`) || (status(pid).get('State') ?? 'Z').startsWith('Z'));
  });

  test('ends with its encoder', async () => {
    const other = await SpeakerEncoder.load({ model: workshop.path('small.pt'), workers: 2, isolation: 'process' });
    await other.embedBatch([short, short, short]);
    expect(decoders().length).toBeGreaterThan(1);
    await other.close();
    expect(decoders()).toHaveLength(1);
  });
});

describe('the service', () => {
  let workshop: ServiceWorkshop;
  beforeAll(async () => {
    workshop = await ServiceWorkshop.open();
  });
  afterAll(() => workshop.remove());

  test('decodes beside itself unless it is told otherwise, and says so', async () => {
    const service = await TestService.start(workshop, { model: await workshop.bundle() });
    try {
      await service.service.ready();
      expect(await service.call('/v1/info')).toMatchObject({ status: 200, body: { decoders: 'process' } });
      const answer = await service.postForm('/v1/embeddings', [['audio', wav(voice(2))]]);
      expect(answer.status).toBe(200);
      expect(decoders().length).toBeGreaterThan(0);
    } finally {
      await service.close();
    }
    expect(decoders()).toEqual([]);
  });

  test('does not start without isolation where containment is required', async () => {
    const service = await TestService.start(workshop, {
      model: await workshop.bundle(),
      decoderIsolation: 'none',
      requireContainment: 'on',
    });
    try {
      const { code, message } = await failure(service.service.ready());
      expect(code).toBe('INVALID_ARGUMENT');
      expect(message).toContain('TIMBRE_DECODER_ISOLATION=none');
      expect(await service.call('/health/ready')).toMatchObject({ status: 503 });
    } finally {
      await service.close();
    }
  });

  test.each([
    ['Landlock', { files: false, calls: true }],
    ['seccomp', { files: true, calls: false }],
  ])('says that the kernel has no %s, and does not start without it where it is required', async (name, walls) => {
    const model = await workshop.bundle();
    jest.spyOn(addon(), 'tryDecoder').mockResolvedValue(walls);
    try {
      const open = await TestService.start(workshop, { model });
      await open.service.ready();
      const said = `the processes that decode run without ${name}`;
      expect(open.log.filter(({ msg }) => String(msg).includes(said))).toHaveLength(1);
      await open.close();
      const strict = await TestService.start(workshop, { model, requireContainment: 'on' });
      const { code, message } = await failure(strict.service.ready());
      await strict.close();
      expect([code, message]).toEqual(['INVALID_ARGUMENT', expect.stringContaining(said)]);
    } finally {
      jest.restoreAllMocks();
    }
  });
});

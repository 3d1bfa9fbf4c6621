import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { readManifest } from '../../src/addon/bundles.js';
import { newApiKey } from '../../src/service/access/api-key.js';
import { KeyStore } from '../../src/service/access/key-store.js';
import { seededUniform } from '../../src/evaluation/bootstrap.js';
import { readCalibrationFile } from '../../src/scoring/model-calibration.js';
import { SCOPES, type Scope } from '../../src/support/scopes.js';
import { TestService, Workshop } from '../e2e/support.js';
import { timbre, type Ran } from './support.js';

const RECORDINGS = 5;

let workshop: Workshop;
let bundle: string;
let service: TestService;
let env: NodeJS.ProcessEnv;
let model: { name: string; embeddingDim: number };

beforeAll(async () => {
  workshop = await Workshop.open();
  bundle = await workshop.bundle();
  service = await TestService.start(workshop, { model: bundle, enrollmentSeconds: 8 });
  await service.service.ready();
  const { key, text } = newApiKey({ name: 'calibration', scopes: SCOPES }, new Date());
  await service.service.app.get(KeyStore, { strict: false }).insert(key);
  env = { TIMBRE_API_KEY: text, TIMBRE_URL: service.url };
  ({ model } = (await service.call('/v1/info')).body as { model: typeof model });
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

const random = seededUniform(1);
const noise = (): number[] => Array.from({ length: model.embeddingDim }, () => random() - 0.5);

/** People whose recordings lie around a voice, `strength` times as far from 0 as they are apart; their own, or everybody's. */
async function bring(speakers: readonly string[], strength: number, shared?: number[]): Promise<void> {
  const lines = speakers.flatMap((speaker) => {
    const voice = shared ?? noise();
    return Array.from({ length: RECORDINGS }, () => {
      const vector = noise().map((x, i) => x + strength * voice[i]!);
      return JSON.stringify({ speaker, vector, model: model.name, speechSeconds: 4 });
    });
  });
  const file = workshop.path('people.jsonl');
  await writeFile(file, lines.join('\n'));
  const { status, stderr } = await timbre(['import', file], { env });
  expect({ status, stderr }).toMatchObject({ status: 0 });
}

const remove = async (speakers: readonly string[]): Promise<void> => {
  for (const id of speakers) expect(await timbre(['speakers', 'remove', id], { env })).toMatchObject({ status: 0 });
};

const calibrate = (...words: string[]): Promise<Ran> =>
  timbre(['calibrate', '--from-service', '--out', workshop.path('own.json'), '--json', ...words], { env });

const named = (count: number, prefix: string): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

describe('timbre calibrate --from-service', () => {
  test('asks for somebody to learn from, for enough of them, and for voices that differ', async () => {
    expect(await calibrate()).toMatchObject({ status: 2, stderr: expect.stringContaining('nobody is enrolled') });
    const three = named(3, 'few-');
    await bring(three, 2);
    expect(await calibrate()).toMatchObject({ status: 2, stderr: expect.stringContaining('7 more speakers') });
    await remove(three);
    const alike = named(24, 'alike-');
    await bring(alike, 3, noise());
    // Which of both it is hangs on chance: no sign of a scale that is all but nothing, or no use in it.
    expect(await calibrate()).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/same speakers score no higher|can hardly be told apart/),
    });
    await remove(alike);
  }, 120_000);

  test('learns from recordings against the profiles of the others, without whoever has opted out', async () => {
    await bring(named(25, 'person-'), 2);
    await timbre(['speakers', 'opt-out', 'person-3'], { env });
    const { status, stdout, stderr } = await calibrate();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { calibration } = JSON.parse(stdout) as { calibration: { quality: Record<string, number> } };
    // All have as many recordings: their number is no evidence.
    expect(calibration.quality['logRecordings']).toBeCloseTo(0, 6);
    expect(JSON.parse(stdout)).toMatchObject({
      model: model.name,
      calibration: { norm: 'none' },
      learned: {
        from: 'people who were enrolled',
        recordings: 24 * RECORDINGS,
        targets: 120,
        impostors: 120 * 20,
        speakers: 24,
      },
    });
    const names = {
      model: model.name,
      modelWithPauses: model.name,
      pauses: 'keep' as const,
      manifest: await readManifest(bundle),
    };
    const { thresholds } = await readCalibrationFile(workshop.path('own.json'), names);
    expect(thresholds[0]).toMatchObject({ falseAcceptRate: 0.01 });
  }, 120_000);

  test('saves what it learned in the service, and puts it to use where that is asked for', async () => {
    const commands = (...words: string[]): Promise<Ran> => timbre(['calibrations', ...words], { env });
    const answers = async (): Promise<unknown> => {
      const { body } = await service.call('/v1/info');
      return (body as { decisions: { calibration: unknown } }).decisions.calibration;
    };
    const save = (...words: string[]): Promise<Ran> =>
      timbre(['calibrate', '--from-service', '--save', ...words], { env });
    expect(await commands('list')).toMatchObject({ status: 0, stdout: '', stderr: expect.stringContaining('--save') });
    const first = await save('--note', 'spring ☃');
    expect(first).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/saved as version 1, not in use: .*use 1\n/),
    });
    expect(await answers()).toEqual({ from: 'model', version: null });
    const second = await save('--use', '--json');
    expect(JSON.parse(second.stdout)).toMatchObject({ written: [], saved: { version: 2, inUse: true } });
    expect(await answers()).toEqual({ from: 'saved', version: 2 });
    const listed = await commands('list');
    expect(listed.stdout).toMatch(/\n1 +- +small@\w+ +\S+ +people +2520 of 24 people .*spring ☃\n/);
    expect(listed.stdout).toMatch(/\n2 +yes /);
    expect(listed.stderr).toContain('version 2 decides');
    expect(JSON.parse((await commands('list', '--json')).stdout)).toMatchObject({
      answers: { from: 'saved', version: 2 },
      calibrations: [{ version: 2 }, { version: 1, from: 'people', note: 'spring ☃' }],
    });
    expect(await commands('remove', '2')).toMatchObject({ status: 85, stderr: expect.stringContaining('is in use') });
    expect(await commands('use', '1')).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('version 1 decides'),
    });
    expect(await answers()).toEqual({ from: 'saved', version: 1 });
    expect(JSON.parse((await commands('show', '1')).stdout)).toMatchObject({
      version: 1,
      inUse: true,
      calibration: { model: model.name, learned: { from: 'people who were enrolled', speakers: 24 } },
    });
    expect(await commands('use', 'model')).toMatchObject({
      status: 0,
      stderr: expect.stringContaining("the model's own"),
    });
    expect(await answers()).toEqual({ from: 'model', version: null });
    expect(await commands('remove', '2')).toMatchObject({ status: 0 });
    expect(await commands('show', '2')).toMatchObject({ status: 84 });
    expect(await commands('use', 'second')).toMatchObject({ status: 2 });
    expect(await commands('use', '1', '--model', 'a')).toMatchObject({ status: 2 });
    expect(await timbre(['calibrate', '--from-service', '--use'], { env })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--save'),
    });
  }, 120_000);

  test('needs the scope admin, takes a list or a service, and nothing of the one with the other', async () => {
    const withScope = async (scope: Scope): Promise<Ran> => {
      const { key, text } = newApiKey({ name: scope, scopes: [scope] }, new Date());
      await service.service.app.get(KeyStore, { strict: false }).insert(key);
      return timbre(['calibrate', '--from-service', '--out', workshop.path('by-scope.json')], {
        env: { ...env, TIMBRE_API_KEY: text },
      });
    };
    for (const scope of ['read', 'vectors'] as const) {
      expect((await withScope(scope)).stderr).toContain('FORBIDDEN_SCOPE');
    }
    expect(await withScope('admin')).toMatchObject({ status: 0, stdout: expect.stringContaining('24 speakers') });
    expect(await calibrate('--root', '.')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--root is for a list'),
    });
    expect(await calibrate('--allow-code', 'a'.repeat(64))).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--allow-code'),
    });
    expect(await timbre(['calibrate'], { env })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--from-service'),
    });
    expect(await calibrate('trials.txt')).toMatchObject({ status: 2, stderr: expect.stringContaining('not both') });
  });
});

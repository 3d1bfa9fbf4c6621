import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertCheckpoint, readManifest } from '../../src/addon/bundles.js';
import { CHECKPOINT, OTHER_CHECKPOINT, timbre, writeVoice } from './support.js';

/** Voices that differ in pitch alone: enough for a network with formula weights to tell most of them apart. */
const SPEAKERS = 12;
const TAKES = 6;
let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-calibrate-'));
  const paths: string[][] = [];
  for (let speaker = 0; speaker < SPEAKERS; speaker++) {
    await mkdir(at(`s${speaker}`));
    paths.push(Array.from({ length: TAKES }, (_, take) => `s${speaker}/${take}.wav`));
    for (let take = 0; take < TAKES; take++) {
      const voice = { seconds: 0.7 + 0.08 * take, pitch: 80 * 1.12 ** speaker + take / 2 };
      await writeVoice(at(`s${speaker}/${take}.wav`), voice);
    }
  }
  const all = paths.flatMap((own, speaker) => own.map((path) => ({ path, speaker })));
  const lines = all.flatMap((a, i) =>
    all.slice(i + 1).map((b) => `${a.speaker === b.speaker ? 1 : 0} ${a.path} ${b.path}`),
  );
  await writeFile(at('trials.txt'), lines.join('\n'));
  await mkdir(at('cohort'));
  for (let speaker = 0; speaker < 5; speaker++) {
    await mkdir(at(`cohort/c${speaker}`));
    for (const take of [0, 1])
      await writeVoice(at(`cohort/c${speaker}/${take}.wav`), { seconds: 0.8, pitch: 95 * 1.3 ** speaker + take });
  }
  await convertCheckpoint({ checkpoint: CHECKPOINT, family: 'speechbrain', id: 'small', out: at('small.pt') });
  await convertCheckpoint({ checkpoint: OTHER_CHECKPOINT, id: 'other', out: at('other.pt') });
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

const common = (): string[] => [at('trials.txt'), '--model', at('small.pt'), '--cache', at('cache'), '--json'];

interface Evaluation {
  norm: string;
  results: { eer: number; cllr: number | null; minCllr: number }[];
}

async function json<T>(...argv: string[]): Promise<T> {
  const { status, stdout, stderr } = await timbre(argv);
  expect({ status, stderr: stderr.replace(/^warning: .*\n/, '') }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as T;
}

describe('timbre calibrate', () => {
  it('writes a file that evaluate and compare use', async () => {
    const before = await json<Evaluation>('evaluate', ...common());
    expect(before.results[0]!.cllr).toBeNull();
    const learned = await json<{ written: string[]; learned: { cllr: number } }>(
      'calibrate',
      ...common(),
      '--out',
      at('own.json'),
    );
    expect(learned.written).toEqual([at('own.json')]);

    const after = await json<Evaluation>('evaluate', ...common(), '--calibration', at('own.json'));
    expect(after.results[0]!.cllr).toBeCloseTo(learned.learned.cllr, 9);
    expect(after.results[0]!.eer).toBe(before.results[0]!.eer);
    expect(after.results[0]!.cllr).toBeGreaterThanOrEqual(after.results[0]!.minCllr);
    // 1 bit is what knowing nothing costs.
    expect(after.results[0]!.cllr).toBeLessThan(0.9);

    const pair = [at('s0/0.wav'), at('s0/1.wav'), '--model', at('small.pt'), '--json'];
    const compared = await json<{ llr: number; decision: string; falseAcceptRate: number }>(
      'compare',
      ...pair,
      '--calibration',
      at('own.json'),
    );
    expect(Number.isFinite(compared.llr)).toBe(true);
    expect(compared.falseAcceptRate).toBe(0.01);
  });

  it('writes a copy of the bundle, and leaves its tensors alone', async () => {
    await json('calibrate', ...common(), '--durations', '--bundle', at('calibrated.pt'));
    const [plain, calibrated] = [await readManifest(at('small.pt')), await readManifest(at('calibrated.pt'))];
    expect(calibrated['weightsDigest']).toEqual(plain['weightsDigest']);
    expect(plain['calibration']).toBeUndefined();
    expect(calibrated['calibration']).toMatchObject({
      norm: 'none',
      learned: { trials: 'trials.txt', targets: 180, speakers: 12 },
    });
    const options = [at('trials.txt'), '--model', at('calibrated.pt'), '--cache', at('cache'), '--json'];
    expect((await json<Evaluation>('evaluate', ...options)).results[0]!.cllr).toBeGreaterThan(0);
  });

  it('learns from pairs of like recordings alone where asked, and writes down that it did', async () => {
    const rows = Array.from({ length: SPEAKERS * TAKES }, (_, i) => {
      const [speaker, take] = [Math.floor(i / TAKES), i % TAKES];
      return `s${speaker}/${take}.wav\t${speaker < SPEAKERS / 2 ? 'hall' : 'car'}`;
    });
    await writeFile(at('rooms.tsv'), ['path\troom', ...rows].join('\n'));
    const options = ['--groups', `${at('rooms.tsv')}:room`, '--within', '--out', at('rooms.json')];
    const { learned } = await json<{ learned: Record<string, unknown> }>('calibrate', ...common(), ...options);
    const perRoom = ((SPEAKERS / 2) * (SPEAKERS / 2 - 1) * TAKES ** 2) / 2;
    expect(learned).toMatchObject({ within: 'room', targets: 180, impostors: 2 * perRoom });
  });

  it('weighs rooms the same where asked, and looks at the closest of the cohort', async () => {
    const rows = Array.from({ length: SPEAKERS * TAKES }, (_, i) => {
      const [speaker, take] = [Math.floor(i / TAKES), i % TAKES];
      return `s${speaker}/${take}.wav\t${speaker < 7 ? 'hall' : 'car'}`;
    });
    await writeFile(at('uneven.tsv'), ['path\troom', ...rows].join('\n'));
    const groups = ['--groups', `${at('uneven.tsv')}:room`, '--within'];
    const norm = ['--norm', 'as', '--closest', '3', '--cohort', at('cohort')];
    const learn = (...more: string[]): Promise<{ thresholds: { llr: number }[]; learned: Record<string, unknown> }> =>
      json('calibrate', ...common(), ...groups, ...norm, ...more, '--out', at('even.json'));
    const apart = await learn();
    const even = await learn('--even');
    expect(apart.learned).not.toHaveProperty('even');
    expect(even.learned).toMatchObject({ even: true, within: 'room' });
    expect(even.thresholds[0]!.llr).not.toBeCloseTo(apart.thresholds[0]!.llr, 6);
    const { calibration } = JSON.parse(await readFile(at('even.json'), 'utf8')) as { calibration: object };
    expect(calibration).toMatchObject({ norm: 'as', closest: 3 });
    const evaluated = ['evaluate', ...common(), '--calibration', at('even.json')];
    expect((await json<Evaluation>(...evaluated)).results[0]!.cllr).toBeGreaterThan(0);
    // Of others of the cohort the scores are others, which the calibration says nothing of.
    expect((await json<Evaluation>(...evaluated, '--closest', '4')).results[0]!.cllr).toBeNull();
    const refused = async (...words: string[]): Promise<string> =>
      (await timbre(['calibrate', ...common(), ...words])).stderr;
    expect(await refused('--even', ...groups.slice(0, 2))).toContain('give --within');
    expect(await refused('--closest', '3')).toContain('give --norm as');
  });

  it('learns from profiles, with or without looking at how many recordings there are', async () => {
    const learn = async (...words: string[]): Promise<object> =>
      (await json<{ calibration: { quality: object } }>('calibrate', ...common(), '--profiles', '3', ...words, '--out', at('own.json'))).calibration.quality; // prettier-ignore
    expect(Object.keys(await learn())).toEqual(['logRecordings']);
    expect(await learn('--no-recordings')).toEqual({});
  });

  it('leaves nothing of the calibration that a bundle had before', async () => {
    await json('calibrate', ...common(), '--durations', '--bundle', at('first.pt'));
    const options = [at('trials.txt'), '--model', at('first.pt'), '--cache', at('cache'), '--json'];
    await json('calibrate', ...options, '--bundle', at('second.pt'));
    const { quality } = (await readManifest(at('second.pt')))['calibration'] as { quality: object };
    expect(quality).toEqual({});
  });

  it('takes its cohort along where it is a folder', async () => {
    await json('calibrate', ...common(), '--norm', 's', '--cohort', at('cohort'), '--out', at('normed.json'));
    const { calibration, cohort } = JSON.parse(await readFile(at('normed.json'), 'utf8')) as {
      calibration: { norm: string };
      cohort: { speakers: number };
    };
    expect([calibration.norm, cohort.speakers]).toEqual(['s', 5]);
    const evaluated = await json<Evaluation>('evaluate', ...common(), '--calibration', at('normed.json'));
    expect(evaluated.norm).toBe('s');
    expect(evaluated.results[0]!.cllr).toBeGreaterThan(0);
  });

  it('refuses too few trials, and a calibration of another model', async () => {
    await writeFile(at('few.txt'), '1 s0/0.wav s0/1.wav\n0 s0/0.wav s1/0.wav\n');
    const few = await timbre(['calibrate', at('few.txt'), '--model', at('small.pt'), '--cache', at('cache')]);
    expect(few.status).toBe(2);
    expect(few.stderr).toContain('99 more target trials, 499 more impostor trials, 8 more speakers are needed');
    await json('calibrate', ...common(), '--out', at('own.json'));
    const other = await timbre([
      'evaluate',
      at('trials.txt'),
      '--model',
      at('other.pt'),
      '--no-cache',
      '--calibration',
      at('own.json'),
    ]);
    expect(other.status).toBe(16);
    expect(other.stderr).toContain('the model is other@');
  });
});

describe('timbre evaluate with a model', () => {
  it('embeds each recording once, whatever is evaluated, and cuts apart', async () => {
    await json('evaluate', ...common());
    const [file] = (await readdir(at('cache'))).filter((name) => !name.includes('cut'));
    const lines = (text: string): number => text.split('\n').filter((line) => line !== '').length;
    const stored = lines(await readFile(at(`cache/${file}`), 'utf8'));
    await json('evaluate', ...common(), '--balanced');
    expect(lines(await readFile(at(`cache/${file}`), 'utf8'))).toBe(stored);
    const whole = await json<Evaluation>('evaluate', ...common());
    const cut = await json<Evaluation>('evaluate', ...common(), '--cut', '0.3');
    expect(cut.results[0]!.minCllr).not.toBe(whole.results[0]!.minCllr);
    expect((await readdir(at('cache'))).some((name) => name.endsWith('-cut-0.3.jsonl'))).toBe(true);
  });
});

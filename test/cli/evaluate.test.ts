import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { run } from '../../src/cli/program.js';
import { seededUniform } from '../../src/evaluation/bootstrap.js';
import { measure } from '../../src/console/pages/accuracy/measures.js';
import { readScoredList } from '../../src/console/pages/accuracy/scored-list.js';

/** Speakers as points of a circle around which their recordings lie: two languages of 12 speakers, 6 recordings each. */
const uniform = seededUniform(5);
const speakers = Array.from({ length: 24 }, (_, i) => ({
  name: `s${i}`,
  lang: i < 12 ? 'de' : 'fr',
  at: Array.from({ length: 16 }, () => uniform() - 0.5),
}));
const recordings = speakers.flatMap(({ name, lang, at }) =>
  Array.from({ length: 6 }, (_, take) => ({
    path: `${lang}/${name}/${take}.wav`,
    speaker: name,
    lang,
    embedding: at.map((x) => x + 1.1 * (uniform() - 0.5)),
  })),
);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-evaluate-'));
  const lines: string[] = [];
  for (const [i, a] of recordings.entries()) {
    for (const b of recordings.slice(i + 1)) lines.push(`${a.speaker === b.speaker ? 1 : 0} ${a.path} ${b.path}`);
  }
  await writeFile(join(folder, 'trials.txt'), lines.join('\n'));
  const enrolled = speakers.map(
    ({ name, lang }) => `${name} ${[0, 1, 2].map((take) => `${lang}/${name}/${take}.wav`).join(' ')}`,
  );
  await writeFile(join(folder, 'enrolments.txt'), enrolled.join('\n'));
  const claims = speakers.flatMap(({ name }) =>
    recordings
      .filter(({ path }) => /[345]\.wav$/.test(path))
      .map(({ path, speaker }) => `${speaker === name ? 1 : 0} ${name} ${path}`),
  );
  await writeFile(join(folder, 'claims.txt'), claims.join('\n'));
  const table = ['path\tspeaker\tlang', ...recordings.map(({ path, speaker, lang }) => `${path}\t${speaker}\t${lang}`)];
  await writeFile(join(folder, 'files.tsv'), table.join('\n'));
  const vectors = recordings.map(({ path, embedding }) => JSON.stringify({ path, embedding }));
  await writeFile(join(folder, 'vectors.jsonl'), vectors.join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

async function timbre(...argv: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' };
  const into = (name: keyof typeof written): Writable =>
    new Writable({
      write(chunk: Buffer, _, done) {
        written[name] += chunk.toString();
        done();
      },
    });
  const status = await run(argv, {
    stdout: into('stdout'),
    stderr: into('stderr'),
    stdin: () => Readable.from([]),
    env: {},
    signal: new AbortController().signal,
  });
  return { status, ...written };
}

const at = (name: string): string => join(folder, name);
interface Report {
  model: string;
  recordings: number;
  skipped: number;
  results: {
    group: string;
    targets: number;
    impostors: number;
    speakers: number;
    eer: number;
    eerInterval: [number, number];
    cllr: null;
    minCllr: number;
    costs: { prior: number; minDcf: number; actDcf: null }[];
  }[];
}

async function evaluate(...more: string[]): Promise<Report> {
  const { status, stdout, stderr } = await timbre('evaluate', ...more, '--embeddings', at('vectors.jsonl'), '--json');
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout) as Report;
}

/** Cosine scores and the crossing of error rates, computed once more from the definitions. */
function plainEer(labels: number[], scores: number[]): number {
  const thresholds = [...scores].sort((a, b) => b - a);
  const share = (label: number, test: (score: number) => boolean): number => {
    const of = scores.filter((_, i) => labels[i] === label);
    return of.filter(test).length / of.length;
  };
  const differences = thresholds.map((t) => share(0, (s) => s >= t) - share(1, (s) => s < t));
  const t = thresholds[differences.findIndex((difference) => difference >= 0)]!;
  return (share(0, (s) => s >= t) + share(1, (s) => s < t)) / 2;
}

const unit = (x: number[]): number[] => x.map((value) => value / Math.hypot(...x));
const dot = (a: number[], b: number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

describe('timbre evaluate', () => {
  it('gives the rates of a list, of each group and of merged ones', async () => {
    const report = await evaluate(at('trials.txt'), '--groups', `${at('files.tsv')}:lang`, '--merge', '*');
    expect(report.recordings).toBe(144);
    expect(report.results.map(({ group, speakers: n }) => [group, n])).toEqual([
      ['all', 24],
      ['*', 24],
      ['de', 12],
      ['fr', 12],
    ]);
    const [all, merged, german] = report.results;
    expect(all).toMatchObject({ targets: 24 * 15, impostors: (144 * 143) / 2 - 24 * 15, cllr: null });
    expect({ ...merged, group: 'all' }).toEqual(all);
    expect(german!.targets).toBe(12 * 15);

    const pairs = recordings
      .flatMap((a, i) => recordings.slice(i + 1).map((b) => [a, b] as const))
      .filter(([a, b]) => a.lang === 'de' && b.lang === 'de');
    const labels = pairs.map(([a, b]) => (a.speaker === b.speaker ? 1 : 0));
    const scores = pairs.map(([a, b]) => dot(unit(a.embedding), unit(b.embedding)));
    expect(german!.eer).toBeCloseTo(plainEer(labels, scores), 2);
    expect(german!.eerInterval[0]).toBeLessThan(german!.eer);
    expect(german!.eerInterval[1]).toBeGreaterThan(german!.eer);
  });

  it('averages the recordings of an enrolment, which helps', async () => {
    const claims = await evaluate(at('claims.txt'), '--enrol', at('enrolments.txt'));
    const single = await evaluate(at('trials.txt'));
    expect(claims.results[0]!.targets).toBe(24 * 3);
    expect(claims.results[0]!.speakers).toBe(24);
    expect(claims.results[0]!.eer).toBeLessThan(single.results[0]!.eer);
  });

  it('evaluates only trials that are selected, balanced where asked', async () => {
    const selected = await evaluate(at('trials.txt'), '--groups', `${at('files.tsv')}:lang`, '--select', 'd*');
    expect(selected.recordings).toBe(72);
    expect(selected.results.map(({ group }) => group)).toEqual(['all', 'de']);
    // Every pair has the same number of trials here, up to target pairs against impostor pairs: nothing changes.
    const balanced = await evaluate(
      at('trials.txt'),
      '--groups',
      `${at('files.tsv')}:lang`,
      '--select',
      'd*',
      '--balanced',
    );
    expect(balanced.results[0]!.eer).toBeCloseTo(selected.results[0]!.eer, 9);
  });

  it('leaves out trials across the values of a column where asked', async () => {
    const every = await evaluate(at('trials.txt'), '--groups', `${at('files.tsv')}:lang`);
    const within = await evaluate(at('trials.txt'), '--groups', `${at('files.tsv')}:lang`, '--within');
    const impostors = ({ results }: Report, group: string): number =>
      results.filter((row) => row.group === group).reduce((sum, row) => sum + row.impostors, 0);
    expect(impostors(within, 'all')).toBe(impostors(every, 'de') + impostors(every, 'fr'));
    expect(impostors(within, 'all')).toBeLessThan(impostors(every, 'all'));
    expect(within.results[0]!.targets).toBe(every.results[0]!.targets);
  });

  it('writes the document and the plots', async () => {
    await evaluate(at('trials.txt'), '--out', at('out'));
    const document = JSON.parse(await readFile(at('out/evaluation.json'), 'utf8')) as Report;
    expect(document.results[0]!.targets).toBe(360);
    for (const name of ['scores', 'det']) {
      expect(await readFile(at(`out/${name}.svg`), 'utf8')).toMatch(/^<svg /);
      expect((await readFile(at(`out/${name}.png`))).subarray(1, 4).toString()).toBe('PNG');
    }
    // The page on accuracy says the same of the scores.
    const { eer, targets, impostors } = measure(readScoredList(await readFile(at('out/scores.tsv'), 'utf8')));
    expect({ eer, targets, impostors }).toEqual({
      eer: document.results[0]!.eer,
      targets: document.results[0]!.targets,
      impostors: document.results[0]!.impostors,
    });
  });

  it('prints a table for people', async () => {
    const { stdout } = await timbre('evaluate', at('trials.txt'), '--embeddings', at('vectors.jsonl'));
    expect(stdout).toMatch(/^all +360 +9,936 +24 +\d+\.\d\d/m);
    expect(stdout).toMatch(/^1 % +0\.\d{3} +\d/m);
  });

  it('leaves out trials of recordings without an embedding, and says so with a status', async () => {
    const lines = (await readFile(at('vectors.jsonl'), 'utf8')).split('\n');
    await writeFile(at('fewer.jsonl'), lines.slice(1).join('\n'));
    const { status, stdout, stderr } = await timbre(
      'evaluate',
      at('trials.txt'),
      '--embeddings',
      at('fewer.jsonl'),
      '--json',
    );
    expect(status).toBe(25);
    expect(stderr).toContain('holds no embedding of de/s0/0.wav (AUDIO_NOT_FOUND)');
    expect(stderr).toContain('143 of 10296 trials are left out');
    expect((JSON.parse(stdout) as Report).skipped).toBe(143);
  });

  it.each([
    [['--norm', 'as'], 'needs a cohort'],
    [['--cut', '2'], '--cut needs recordings'],
    [['--select', 'de'], '--select, --within and --merge look at values of --groups'],
    [['--within'], '--select, --within and --merge look at values of --groups'],
    [['--groups', 'files.tsv'], 'FILE:COLUMN'],
  ])('refuses %j', async (options, message) => {
    const { status, stderr, stdout } = await timbre(
      'evaluate',
      at('trials.txt'),
      '--embeddings',
      at('vectors.jsonl'),
      ...options,
    );
    expect(status).toBe(2);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
  });

  it('refuses a column that is not there and a list of one kind', async () => {
    const lost = await timbre(
      'evaluate',
      at('trials.txt'),
      '--embeddings',
      at('vectors.jsonl'),
      '--groups',
      `${at('files.tsv')}:age`,
    );
    expect(lost.stderr).toContain('has no column "age"');
    await writeFile(at('one.txt'), '1 de/s0/0.wav de/s0/1.wav\n');
    const one = await timbre('evaluate', at('one.txt'), '--embeddings', at('vectors.jsonl'));
    expect(one.stderr).toContain('there are 1 and 0');
    expect(one.status).toBe(2);
  });
});

describe('timbre calibrate', () => {
  it('needs a model', async () => {
    const { status, stderr } = await timbre('calibrate', at('trials.txt'), '--embeddings', at('vectors.jsonl'));
    expect(stderr).toContain('--embeddings cannot be calibrated');
    expect(status).toBe(2);
  });
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConversationResult } from '../../src/addon/types.js';
import { readRttm } from '../../src/evaluation/rttm.js';
import { PACKAGE_FOLDER } from '../../src/support/package.js';
import { writeSegmentationCheckpoint } from '../segmentation-weights.js';
import { CHECKPOINT, timbre, writeVoice } from './support.js';

let folder: string;
let env: NodeJS.ProcessEnv;
const at = (...names: string[]): string => join(folder, ...names);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-conversation-'));
  env = { MODEL_CACHE_DIR: at('models'), TIMBRE_MODEL: 'tiny' };
  const added = await timbre(['models', 'add', CHECKPOINT, '--family', 'speechbrain', '--id', 'tiny'], { env });
  expect(added.status).toBe(0);
  await mkdir(at('talks'));
  await writeVoice(at('talks', 'a.wav'), { seconds: 12, pitch: 110 });
  await writeVoice(at('talks', 'b.wav'), { seconds: 15, pitch: 210, rate: 8000 });
}, 120_000);

afterAll(() => rm(folder, { recursive: true }));

/** The weights of a formula, in the cache. */
async function addSegmentation(): Promise<void> {
  await writeSegmentationCheckpoint(at('listens.safetensors'));
  const { status, stdout } = await timbre(['models', 'add', at('listens.safetensors'), '--id', 'segmentation'], {
    env,
  });
  expect(status).toBe(0);
  expect(stdout).toBe(`segmentation: segmentation, for conversations, in ${at('models', 'segmentation.pt')}\n`);
}

describe('conversation', () => {
  test('without the segmentation network names the command that fetches it', async () => {
    const { status, stderr } = await timbre(['conversation', at('talks', 'a.wav')], { env });
    expect(status).toBe(13);
    expect(stderr).toContain('timbre models pull segmentation');
  });

  test('gives turns as text, RTTM, WebVTT and JSON, all of them the same', async () => {
    await addSegmentation();
    const json = await timbre(['conversation', at('talks'), '--json'], { env });
    expect(json.status).toBe(0);
    const documents = JSON.parse(json.stdout) as (ConversationResult & { path: string })[];
    expect(documents.map(({ path, seconds }) => [path, seconds])).toEqual([
      [at('talks', 'a.wav'), 12],
      [at('talks', 'b.wav'), 15],
    ]);
    const { turns } = documents[0]!;
    expect(turns.length).toBeGreaterThan(0);

    const rttm = await timbre(['conversation', at('talks', 'a.wav'), '--rttm'], { env });
    const read = readRttm(rttm.stdout, 'stdout').get('a')!;
    expect(read).toHaveLength(turns.length);
    for (const [i, { start, end, speaker }] of turns.entries()) {
      expect(read[i]).toMatchObject({ speaker });
      expect(read[i]!.start).toBeCloseTo(start, 2);
      expect(read[i]!.end).toBeCloseTo(end, 2);
    }

    const vtt = await timbre(['conversation', at('talks', 'a.wav'), '--vtt'], { env });
    expect(vtt.stdout).toMatch(/^WEBVTT\n\n00:00:\d\d\.\d{3} --> 00:00:\d\d\.\d{3}\n<v A>A<\/v>\n/);
    expect(vtt.stdout.match(/-->/g)).toHaveLength(turns.length);

    const text = await timbre(['conversation', at('talks', 'a.wav')], { env });
    expect(text.stdout).toMatch(/^00:00:\d\d\.\d{3} {2}00:00:\d\d\.\d{3} {2}A/);
    expect(text.stdout).toMatch(/(one speaker|\d+ speakers): A \d+\.\d s/);
  }, 120_000);

  test('writes a file for every recording, which can be evaluated', async () => {
    const out = at('turns');
    const { status, stdout, stderr } = await timbre(
      ['conversation', at('talks'), '--rttm', '--out', out, '--max', '3'],
      { env },
    );
    expect([status, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/2 of 2 recordings in .* times as fast as it plays/);
    expect(await readdir(out)).toEqual(['a.rttm', 'b.rttm']);
    const same = await timbre(['evaluate', '--diarisation', out, out, '--json'], { env });
    expect(JSON.parse(same.stdout)).toMatchObject({ recording: 'all', der: 0, jer: 0, countRight: 1 });
  }, 120_000);

  test('goes on after a recording that fails, and ends with its status', async () => {
    await writeFile(at('broken.wav'), 'no recording');
    const { status, stdout } = await timbre(['conversation', at('broken.wav'), at('talks', 'a.wav'), '--json'], {
      env,
    });
    expect(status).toBe(21);
    expect(JSON.parse(stdout)).toMatchObject([{ error: { code: 'AUDIO_UNSUPPORTED' } }, { seconds: 12 }]);
  }, 120_000);

  test.each([
    [['--speakers', '2', '--max', '3'], 'cannot be used with'],
    [['--speakers', '0'], 'a whole number from 1 to 64'],
    [['--min', '4', '--max', '2'], 'minSpeakers is 4 and maxSpeakers 2'],
    [['--kind', 'podcast'], 'Allowed choices are call, meeting, auto'],
    [['--vtt', '--json'], 'cannot be used with'],
    [['--threshold', '0.5'], 'go with --candidates'],
    [['--false-accept-rate', '0.1'], 'go with --candidates'],
  ])('%j is refused', async (options, message) => {
    const { status, stderr } = await timbre(['conversation', at('talks', 'a.wav'), ...options], { env });
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });

  test('refuses WebVTT of several recordings, and two that would be one file', async () => {
    const several = await timbre(['conversation', at('talks'), '--vtt'], { env });
    expect(several.stderr).toContain('name a folder for the files with --out');
    await mkdir(at('others'), { recursive: true });
    await writeVoice(at('others', 'a.wav'));
    const twice = await timbre(['conversation', at('talks'), at('others'), '--rttm', '--out', at('x')], { env });
    expect([twice.status, several.status]).toEqual([2, 2]);
    expect(twice.stderr).toContain('would both be');
  });
});

describe('names of voices', () => {
  beforeAll(async () => {
    await mkdir(at('people', 'Ada Lovelace'), { recursive: true });
    // Speech, and made by set-up: in what `writeVoice` writes nobody is heard.
    const sample = (name: string): string => join(PACKAGE_FOLDER, 'samples', name);
    await copyFile(sample('anna-1.wav'), at('people', 'Ada Lovelace', '1.wav'));
    await copyFile(sample('ben-1.wav'), at('people', 'bob-1.wav'));
    await copyFile(sample('ben-2.wav'), at('people', 'bob-2.wav'));
  });

  const named = async (...options: string[]) =>
    timbre(['conversation', at('talks', 'a.wav'), '--candidates', at('people'), ...options], { env });

  test('come with their reasons, in every format', async () => {
    const json = await named('--threshold', '-1', '--json');
    expect(json.stderr).not.toContain('error');
    expect(json.status).toBe(0);
    const [document] = JSON.parse(json.stdout) as [
      { speakers: Record<string, unknown>[]; naming: Record<string, unknown>; turns: { speaker: string }[] },
    ];
    expect(document.naming).toMatchObject({ on: 'cosine', threshold: -1, gallerySize: 2, falseAcceptRate: null });
    for (const speaker of document.speakers) {
      expect(speaker).toHaveProperty('speakerId');
      expect(speaker['reason'] === null).toBe(speaker['speakerId'] !== null);
      expect(speaker).not.toHaveProperty('embedding');
      expect(['Ada Lovelace', 'bob']).toContain((speaker['nearest'] as { speakerId: string }).speakerId);
    }
    expect(new Set(document.turns.map(({ speaker }) => speaker))).toEqual(
      new Set(document.speakers.map(({ label }) => label)),
    );
    const text = await named('--threshold', '1');
    expect(text.stdout).toMatch(/of 2 candidates:\n(\S+ +\d+\.\d s +(REJECT: .* is nearest|NOT_ENOUGH_SPEECH).*\n)+$/);
    const rttm = await named('--threshold', '1', '--rttm');
    expect(rttm.stdout).toMatch(/^SPEAKER a 1 \S+ \S+ <NA> <NA> A /);
  }, 120_000);

  test('need a calibration or a cosine, and people', async () => {
    expect(await named()).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('names need a calibration') as unknown,
    });
    await mkdir(at('nobody'), { recursive: true });
    const refused = async (...options: string[]): Promise<string> =>
      (await timbre(['conversation', at('talks', 'a.wav'), '--threshold', '0', ...options], { env })).stderr;
    expect(await refused('--candidates', at('nobody'))).toContain('no recordings of candidates');
    expect(await refused('--candidates', '-')).toContain('candidates are files and folders');
    expect(await refused('--candidates', at('nowhere.wav'))).toContain('no recording of a candidate could be used');
    expect(await refused('--false-accept-rate', '0.1')).toContain('cannot be used with');
  }, 120_000);

  test('go on where a recording of a candidate fails, or has no speech', async () => {
    await writeFile(at('people', 'carl.wav'), 'no recording');
    await writeVoice(at('people', 'dora.wav'), { seconds: 3 });
    const { status, stderr, stdout } = await named('--threshold', '1', '--json');
    await Promise.all(['carl.wav', 'dora.wav'].map((name) => rm(at('people', name))));
    expect(status).toBe(21);
    expect(stderr).toContain(at('people', 'carl.wav'));
    expect(stderr).toContain(`${at('people', 'dora.wav')}: nobody is heard`);
    expect(JSON.parse(stdout)).toMatchObject([{ naming: { gallerySize: 2 } }]);
  }, 120_000);
});

describe('a transcript', () => {
  const words = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((start) => ({
    start,
    end: start + 0.9,
    text: `w${start} <b>&`,
  }));
  const of = async (...options: string[]) =>
    timbre(['conversation', at('talks', 'a.wav'), '--transcript', at('said.json'), ...options], { env });

  test('gets speakers, as text, WebVTT and JSON', async () => {
    await writeFile(at('said.json'), JSON.stringify({ segments: words }));
    const json = JSON.parse((await of('--json')).stdout) as [
      { speakers: { label: string }[]; transcript: { text: string; speaker: string | null }[] },
    ];
    const { speakers, transcript } = json[0];
    expect(transcript.map(({ text }) => text)).toEqual(words.map(({ text }) => text));
    const labels = speakers.map(({ label }) => label);
    for (const { speaker } of transcript) expect([null, ...labels]).toContain(speaker);
    expect(transcript.some(({ speaker }) => speaker !== null)).toBe(true);
    const { stdout } = await of('--vtt');
    expect(stdout).toMatch(/^WEBVTT\n\n00:00:00\.000 --> 00:00:00\.900\n/);
    for (const [index, { speaker, text }] of transcript.entries()) {
      const said = `w${index} &lt;b&gt;&amp;`;
      expect(stdout).toContain(speaker === null ? `\n${said}\n` : `\n<v ${speaker}>${said}</v>\n`);
      expect(text).toBe(words[index]!.text);
    }
    expect((await of()).stdout).toContain('w3 <b>&');
  }, 120_000);

  test('of another recording, of another form, and of several recordings is refused', async () => {
    await writeFile(at('said.json'), JSON.stringify([{ start: 20, end: 21, text: 'late' }]));
    expect(await of()).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('transcript of another recording') as unknown,
    });
    await writeFile(at('said.json'), 'WEBVTT\n\nnothing here\n');
    expect((await of()).stderr).toContain('said.json, line 3, is no cue of WebVTT');
    await rm(at('said.json'));
    expect((await of()).stderr).toContain('cannot read the transcript');
    expect((await of('--rttm')).stderr).toContain('cannot be used with');
    const several = await timbre(['conversation', at('talks'), '--transcript', at('said.json')], { env });
    expect(several).toMatchObject({ status: 2, stderr: expect.stringContaining('there are 2') as unknown });
  }, 120_000);
});

describe('a segmentation network among the models', () => {
  test('is listed, shown and verified, and refused where an embedding model belongs', async () => {
    const listed = await timbre(['models', 'list', '--json'], { env });
    const { bundles } = JSON.parse(listed.stdout) as { bundles: { id: string; embeddingDim: number | null }[] };
    expect(bundles.find(({ id }) => id === 'segmentation')).toMatchObject({ embeddingDim: null });
    expect((await timbre(['models', 'list'], { env })).stdout).toMatch(/segmentation +segmentation +- /);
    expect((await timbre(['models', 'show', 'segmentation'], { env })).stdout).toMatch(/kind +segmentation/);
    const verified = await timbre(['models', 'verify', 'segmentation'], { env });
    expect(verified.stdout).toMatch(/^segmentation: right on cpu, 4 recordings/);
    const embedded = await timbre(['embed', at('talks', 'a.wav'), '--model', 'segmentation'], { env });
    expect(embedded.status).toBe(41);
    expect(embedded.stderr).toContain('is a segmentation network');
  }, 120_000);
});

describe('evaluate --diarisation', () => {
  beforeAll(async () => {
    await mkdir(at('right'));
    await mkdir(at('found'));
    const line = (file: string, start: number, end: number, who: string): string =>
      `SPEAKER ${file} 1 ${start} ${end - start} <NA> <NA> ${who} <NA> <NA>\n`;
    await writeFile(at('right', 'x.rttm'), line('x', 0, 10, 'p') + line('x', 10, 20, 'q'));
    await writeFile(at('right', 'y.rttm'), line('y', 0, 20, 'p'));
    await writeFile(at('found', 'x.rttm'), line('x', 1, 12, 'A') + line('x', 12, 21, 'B'));
    await writeFile(at('found', 'y.rttm'), line('y', 0, 20, 'A'));
  });

  test('sums times over recordings and tells each', async () => {
    const { status, stdout } = await timbre(['evaluate', '--diarisation', at('right'), at('found'), '--json'], { env });
    expect(status).toBe(0);
    const document = JSON.parse(stdout) as { recordings: { recording: string; der: number }[] };
    // 1 s missed, 1 s of false alarm and 2 s of confusion of 40 s.
    expect(document).toMatchObject({ recording: 'all', seconds: 40, der: 0.1, missed: 0.025, confusion: 0.05 });
    expect(document.recordings.map(({ recording, der }) => [recording, der])).toEqual([
      ['x', 0.2],
      ['y', 0],
    ]);
    const text = await timbre(['evaluate', '--diarisation', at('right'), at('found')], { env });
    expect(text.stdout).toMatch(/all +10\.0 +2\.5 +2\.5 +5\.0 .* right in 2 of 2, off by 0/);
  });

  test('counts a recording without an answer as missed, with a warning', async () => {
    const { status, stdout, stderr } = await timbre(
      ['evaluate', '--diarisation', at('right'), at('found', 'y.rttm'), '--json'],
      { env },
    );
    expect(status).toBe(0);
    expect(stderr).toContain('x has no turns');
    expect(JSON.parse(stdout)).toMatchObject({ missed: 0.5 });
  });

  test('refuses what is no RTTM, what matches nothing, and one argument alone', async () => {
    await writeFile(at('junk.rttm'), 'SPEAKER x 1 zero');
    const evaluate = async (...words: string[]): Promise<[number, string]> => {
      const { status, stderr } = await timbre(['evaluate', ...words], { env });
      return [status, stderr];
    };
    expect(await evaluate('--diarisation', at('right'), at('junk.rttm'))).toEqual([
      2,
      expect.stringContaining('junk.rttm, line 1') as unknown,
    ]);
    await writeFile(at('other.rttm'), (await readFile(at('found', 'y.rttm'), 'utf8')).replace('y', 'z'));
    expect((await evaluate('--diarisation', at('right'), at('other.rttm')))[1]).toContain('none of the recordings');
    expect((await evaluate('--diarisation', at('right')))[1]).toContain('compares two');
    expect((await evaluate(at('right'), at('found')))[1]).toContain('goes with --diarisation');
    expect((await evaluate('--diarisation', at('right'), at('nowhere')))[1]).toContain('cannot read');
  });
});

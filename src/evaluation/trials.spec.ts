import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnrolmentMap, readRecordingTable, readTrials } from './trials.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-trials-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

describe('readTrials', () => {
  it('reads a list of pairs, each recording once', async () => {
    const list = await readTrials(
      await file('pairs', '1 a/1.wav a/2.wav\r\n0 a/1.wav b/1.wav\n\nnontarget b/1.wav a/2.wav\n'),
    );
    expect([...list.labels]).toEqual([1, 0, 0]);
    expect(list.enrolments).toEqual([['a/1.wav'], ['b/1.wav']]);
    expect(list.tests).toEqual(['a/2.wav', 'b/1.wav']);
    expect([...list.enrolment]).toEqual([0, 0, 1]);
    expect([...list.test]).toEqual([0, 1, 0]);
  });

  it('looks enrolments up in a map', async () => {
    const map = await readEnrolmentMap(await file('map', 'anna a/1.wav a/2.wav a/3.wav\nbert b/1.wav\n'));
    const list = await readTrials(await file('enrolled', '1 anna a/4.wav\n0 bert a/4.wav\n'), map);
    expect(list.enrolments).toEqual([['a/1.wav', 'a/2.wav', 'a/3.wav'], ['b/1.wav']]);
    expect(list.enrolmentNames).toEqual(['anna', 'bert']);
  });

  it.each([
    ['a line of another form', '1 a b\n1 a\n', /:2: expected "label enrolment test"/],
    ['an unknown label', 'yes a b\n', /:1: expected "label enrolment test" with label 1 or 0, found "yes a b"/],
    ['nothing', '\n\n', /holds no trials/],
  ])('refuses %s', async (_, text, message) => {
    await expect(readTrials(await file('bad', text))).rejects.toThrow(message);
  });

  it('refuses an enrolment that the map lacks, a map entry without recordings, and a missing file', async () => {
    const list = await file('lost', '1 carl a\n');
    await expect(readTrials(list, new Map())).rejects.toThrow('"carl" is not in the enrolment map');
    await expect(readEnrolmentMap(await file('empty', 'anna\n'))).rejects.toThrow('"anna" names no recording');
    await expect(readTrials(join(folder, 'none'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('readRecordingTable', () => {
  it('gives the columns of each path', async () => {
    const table = await readRecordingTable(
      await file('t.tsv', 'path\tspeaker\tlang\nx.wav\tanna\tde\ny.wav\tbert\t\n'),
    );
    expect(table.get('y.wav')).toEqual({ path: 'y.wav', speaker: 'bert', lang: '' });
  });

  it('needs a path column', async () => {
    await expect(readRecordingTable(await file('u.tsv', 'file\tlang\n'))).rejects.toThrow(
      'no column "path" (columns: file, lang)',
    );
  });
});

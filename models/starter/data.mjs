// The table of the recordings as training reads it (models/training/corpus.py): the speakers of `report` are its own split.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './tools.mjs';

/** @returns {Record<string, string>[]} rows of files.tsv: path, split, speaker, source, lang, licence, seconds, ... */
export function readTable(data) {
  const report = new Set(readFileSync(join(ROOT, 'models', 'training', 'report_speakers.txt'), 'utf8').split('\n'));
  const [header, ...lines] = readFileSync(join(data, 'files.tsv'), 'utf8').trim().split('\n');
  const columns = header.split('\t');
  return lines.map((line) => {
    const row = Object.fromEntries(line.split('\t').map((value, i) => [columns[i], value]));
    return report.has(row.speaker) ? { ...row, split: 'report' } : row;
  });
}

/** @returns {string} the part of a list that a recording is counted in: its source, Common Voice by French or not */
export function partOf({ source, lang }) {
  if (!source.startsWith('common_voice')) return source;
  return lang === 'fr' ? 'common_voice_french' : 'common_voice_others';
}

/** A table for `timbre evaluate --groups TABLE:part`. */
export function partTable(rows) {
  return ['path\tspeaker\tpart', ...rows.map((row) => `${row.path}\t${row.speaker}\t${partOf(row)}`), ''].join('\n');
}

/** The training recordings by source, with licences and hours, the longest first. */
export function sourcesOf(rows) {
  const sources = new Map();
  for (const row of rows) {
    if (row.split !== 'train' && row.split !== 'single') continue;
    // Common Voice comes as one source a language.
    const name = row.source.startsWith('common_voice') ? 'common_voice' : row.source;
    const known = sources.get(name) ?? { name, licence: row.licence, recordings: 0, seconds: 0 };
    known.recordings++;
    known.seconds += Number(row.seconds);
    sources.set(name, known);
  }
  return [...sources.values()]
    .sort((a, b) => b.seconds - a.seconds)
    .map(({ seconds, ...source }) => ({ ...source, hours: Math.round(seconds / 36) / 100 }));
}

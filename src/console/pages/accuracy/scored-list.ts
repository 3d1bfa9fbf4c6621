import { TimbreError } from '../../../client/index.js';

/** Scored trials as they stand in a file. */
export interface ScoredList {
  scores: Float64Array;
  /** 1: same speaker. */
  labels: Uint8Array;
  /** What the column of scores is called; null where the file does not say. */
  name: string | null;
}

const LABELS: Record<string, 0 | 1> = {
  '1': 1,
  target: 1,
  same: 1,
  true: 1,
  '0': 0,
  nontarget: 0,
  impostor: 0,
  imposter: 0,
  different: 0,
  false: 0,
};

const LABEL_NAMES = ['label', 'target', 'same', 'key'];
/** The first that a file has is read: evidence before cosines. */
const SCORE_NAMES = ['llr', 'score', 'cosine', 'similarity'];

/** Trials of one file. */
export const MOST_TRIALS = 2_000_000;

/**
 * Reads scored trials: lines `label score` or `label enrolment test score`, apart by white space, commas, semicolons or tabs; with
 * a heading (`label`, and `llr`, `score`, `cosine` or `similarity`) columns in any order; a JSON list of such objects, or JSON lines.
 * Errors: INVALID_ARGUMENT, naming the line.
 */
export function readScoredList(text: string): ScoredList {
  const start = text.trimStart().slice(0, 1);
  const list = start === '[' || start === '{' ? readJson(text, start) : readLines(text);
  if (list.scores.length === 0) throw refused('there are no trials in it');
  return list;
}

function readLines(text: string): ScoredList {
  const lines = text.split(/\r\n?|\n/);
  const trials = new Trials();
  let columns: Columns | null = null;
  for (const [index, line] of lines.entries()) {
    const fields = fieldsOf(line);
    if (fields.length === 0 || line.startsWith('#')) continue;
    if (columns === null) {
      columns = headingOf(fields);
      if (columns) continue;
      columns = { label: 0, score: fields.length - 1, count: fields.length, name: null };
    }
    const where = `line ${index + 1}`;
    if (fields.length !== columns.count) {
      throw refused(`${where} has ${fields.length} columns, the lines before it have ${columns.count}`);
    }
    if (columns.count < 2) throw refused(`${where} has no score: "label score" belongs there`);
    trials.add(fields[columns.label], fields[columns.score], where);
  }
  return trials.list(columns?.name ?? null);
}

interface Columns {
  label: number;
  score: number;
  count: number;
  name: string | null;
}

function headingOf(fields: readonly string[]): Columns | null {
  const names = fields.map((field) => field.toLowerCase());
  const label = names.findIndex((name) => LABEL_NAMES.includes(name));
  const name = SCORE_NAMES.find((one) => names.includes(one));
  if (label < 0 || name === undefined) return null;
  return { label, score: names.indexOf(name), count: fields.length, name };
}

function fieldsOf(line: string): string[] {
  const text = line.trim();
  if (text === '') return [];
  const separator = ['\t', ';', ','].find((one) => text.includes(one));
  const fields = separator === undefined ? text.split(/\s+/) : text.split(separator);
  return fields.map((field) => field.trim().replace(/^"(.*)"$/, '$1'));
}

function readJson(text: string, start: string): ScoredList {
  const trials = new Trials();
  let name: string | null = null;
  const add = (value: unknown, where: string): void => {
    const object = (value ?? {}) as Record<string, unknown>;
    const label = LABEL_NAMES.map((one) => object[one]).find((one) => one !== undefined);
    const of = SCORE_NAMES.find((one) => typeof object[one] === 'number');
    name ??= of ?? null;
    trials.add(textOf(label), of === undefined ? undefined : textOf(object[of]), where);
  };
  if (start === '[') {
    const list = parsed(text, 'the file');
    if (!Array.isArray(list)) throw refused('a JSON list of trials belongs there');
    for (const [i, value] of list.entries()) add(value, `trial ${i + 1}`);
  } else {
    for (const [i, line] of text.split(/\r?\n/).entries()) {
      if (line.trim() !== '') add(parsed(line, `line ${i + 1}`), `line ${i + 1}`);
    }
  }
  return trials.list(name);
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new TimbreError('INVALID_ARGUMENT', `${where} is no JSON: ${(cause as Error).message}`, { cause });
  }
}

function textOf(value: unknown): string | undefined {
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined;
}

class Trials {
  private readonly scores: number[] = [];
  private readonly labels: number[] = [];

  add(label: string | undefined, score: string | undefined, where: string): void {
    const same = LABELS[label?.toLowerCase() ?? ''];
    if (same === undefined) {
      throw refused(
        `the label of ${where} is "${(label ?? '').slice(0, 40)}"; 1 or 0, target or nontarget belongs there`,
      );
    }
    const number = score === undefined || score === '' ? NaN : Number(score);
    if (!Number.isFinite(number)) throw refused(`the score of ${where} is "${(score ?? '').slice(0, 40)}", no number`);
    if (this.scores.length === MOST_TRIALS) throw refused(`there are more than ${MOST_TRIALS} trials in it`);
    this.scores.push(number);
    this.labels.push(same);
  }

  list(name: string | null): ScoredList {
    return { scores: Float64Array.from(this.scores), labels: Uint8Array.from(this.labels), name };
  }
}

function refused(why: string): TimbreError {
  return new TimbreError('INVALID_ARGUMENT', `the list cannot be read: ${why}`);
}

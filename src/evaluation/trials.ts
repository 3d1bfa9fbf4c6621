import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { TimbreError } from '../errors/timbre-error.js';

/** Trials as numbers into tables of sides, so that hundreds of thousands stay small. */
export interface TrialList {
  /** 1: same speaker. */
  labels: Uint8Array;
  /** Position in `enrolments` and in `tests`. */
  enrolment: Uint32Array;
  test: Uint32Array;
  /** The recordings of every enrolment side; one in a plain list. */
  enrolments: string[][];
  /** Names of the enrolment sides: an enrolment id, or the recording's path. */
  enrolmentNames: string[];
  tests: string[];
}

/** `id path path ...` a line: the recordings that enrol an id. */
export async function readEnrolmentMap(path: string): Promise<Map<string, string[]>> {
  const map = new Map<string, string[]>();
  for (const [number, line] of (await readText(path)).split('\n').entries()) {
    const [id, ...recordings] = line.trim().split(/\s+/);
    if (!id) continue;
    if (recordings.length === 0) {
      throw new TimbreError('INVALID_ARGUMENT', `${path}:${number + 1}: the enrolment "${id}" names no recording`);
    }
    map.set(id, recordings);
  }
  return map;
}

/**
 * Reads a VoxCeleb-style list, `label enrolment test` a line; label is 1/0 or target/nontarget. Without a map the
 * enrolment is a path, with one it is an id of the map.
 */
export async function readTrials(path: string, enrolmentMap?: Map<string, string[]>): Promise<TrialList> {
  const labels: number[] = [];
  const enrolment: number[] = [];
  const test: number[] = [];
  const enrolments = new Numbering();
  const tests = new Numbering();
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
  let number = 0;
  try {
    for await (const line of lines) {
      number++;
      const fields = line.trim().split(/\s+/);
      if (fields.length === 1 && fields[0] === '') continue;
      const [word, enrol, probe] = fields;
      const label = LABELS[word ?? ''];
      if (fields.length !== 3 || label === undefined) {
        throw new TimbreError(
          'INVALID_ARGUMENT',
          `${path}:${number}: expected "label enrolment test" with label 1 or 0, found "${line.slice(0, 100)}"`,
        );
      }
      if (enrolmentMap && !enrolmentMap.has(enrol!)) {
        throw new TimbreError('INVALID_ARGUMENT', `${path}:${number}: "${enrol}" is not in the enrolment map`);
      }
      labels.push(label);
      enrolment.push(enrolments.of(enrol!));
      test.push(tests.of(probe!));
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  if (labels.length === 0) throw new TimbreError('INVALID_ARGUMENT', `${path} holds no trials`);
  return {
    labels: Uint8Array.from(labels),
    enrolment: Uint32Array.from(enrolment),
    test: Uint32Array.from(test),
    enrolments: enrolments.names.map((name) => enrolmentMap?.get(name) ?? [name]),
    enrolmentNames: enrolments.names,
    tests: tests.names,
  };
}

const LABELS: Record<string, 0 | 1> = { '1': 1, '0': 0, target: 1, nontarget: 0, imposter: 0, impostor: 0 };

class Numbering {
  readonly names: string[] = [];
  private readonly numbers = new Map<string, number>();

  of(name: string): number {
    let number = this.numbers.get(name);
    if (number === undefined) {
      number = this.names.push(name) - 1;
      this.numbers.set(name, number);
    }
    return number;
  }
}

/** A table of facts about recordings: the columns of a TSV with a header, by the value of its `path` column. */
export async function readRecordingTable(path: string): Promise<Map<string, Record<string, string>>> {
  const [header, ...rows] = (await readText(path)).split('\n').filter((line) => line.trim() !== '');
  const columns = header?.split('\t') ?? [];
  const key = columns.indexOf('path');
  if (key < 0)
    throw new TimbreError('INVALID_ARGUMENT', `${path} has no column "path" (columns: ${columns.join(', ')})`);
  return new Map(
    rows.map((row) => {
      const values = row.split('\t');
      return [values[key]!, Object.fromEntries(columns.map((column, i) => [column, values[i] ?? '']))];
    }),
  );
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): unknown {
  if (error instanceof TimbreError) return error;
  return new TimbreError('INVALID_ARGUMENT', `cannot read ${path}: ${(error as Error).message}`, { cause: error });
}

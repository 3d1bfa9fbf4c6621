import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TimbreError } from '../errors/timbre-error.js';
import {
  diarisationErrors,
  errorRate,
  jaccardErrorRate,
  sumErrors,
  type DiarisationErrors,
} from '../evaluation/diarisation.js';
import { readRttm, type SpeechSegment } from '../evaluation/rttm.js';
import { table, type Cli } from './cli.js';

/** Seconds on either side of a boundary that are left out in the second row of numbers, as NIST did. */
const COLLAR = 0.25;

/**
 * Error rates of turns against reference turns, both RTTM: files, or folders of them.
 * Errors: INVALID_ARGUMENT for files that are no RTTM, a recording that is in two files, or a reference without an answer.
 */
export async function evaluateDiarisation(
  cli: Cli,
  references: string,
  hypotheses: string,
  options: { json?: true },
): Promise<void> {
  const [truth, found] = await Promise.all([readAll(references), readAll(hypotheses)]);
  if (truth.size === 0) throw new TimbreError('INVALID_ARGUMENT', `there are no SPEAKER lines in ${references}`);
  const unanswered = [...truth.keys()].filter((name) => !found.has(name));
  if (unanswered.length === truth.size) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `none of the recordings of ${references} is in ${hypotheses}: they are matched by their names in the RTTM ` +
        `(${[...truth.keys()][0]!}, ...)`,
    );
  }
  for (const name of unanswered) cli.warn(`${name} has no turns in ${hypotheses}: all of its speech counts as missed`);
  const rows = [...truth].map(([name, reference]) => {
    const turns = found.get(name) ?? [];
    return { name, exact: diarisationErrors(reference, turns), lenient: diarisationErrors(reference, turns, COLLAR) };
  });
  const all = {
    name: 'all',
    exact: sumErrors(rows.map(({ exact }) => exact)),
    lenient: sumErrors(rows.map(({ lenient }) => lenient)),
  };
  if (options.json) {
    const described = ({ name, exact, lenient }: (typeof rows)[number]): Record<string, unknown> => ({
      recording: name,
      ...ratesOf(exact),
      collar: { seconds: COLLAR, der: errorRate(lenient) },
    });
    await cli.json({ ...described(all), recordings: rows.map(described) });
    return;
  }
  const heads = ['', 'DER %', 'missed', 'false alarm', 'confusion', `DER % (collar ${COLLAR} s)`, 'JER %', 'speakers'];
  const cells = ({ name, exact, lenient }: (typeof rows)[number]): string[] => [
    name,
    percent(errorRate(exact)),
    percent(exact.missed / exact.speech),
    percent(exact.falseAlarm / exact.speech),
    percent(exact.confusion / exact.speech),
    percent(errorRate(lenient)),
    percent(jaccardErrorRate(exact)),
    exact.recordings > 1
      ? `right in ${exact.countRight} of ${exact.recordings}, off by ${exact.countError}`
      : exact.countError === 0
        ? 'right'
        : `off by ${exact.countError}`,
  ];
  await cli.line(table([heads, ...(rows.length > 1 ? rows : []).map(cells), cells(rows.length > 1 ? all : rows[0]!)]));
}

function ratesOf(errors: DiarisationErrors): Record<string, unknown> {
  const { speech, missed, falseAlarm, confusion, countError, countRight, recordings } = errors;
  return {
    seconds: speech,
    der: errorRate(errors),
    missed: missed / speech,
    falseAlarm: falseAlarm / speech,
    confusion: confusion / speech,
    jer: jaccardErrorRate(errors),
    countError,
    countRight: countRight / recordings,
  };
}

function percent(share: number): string {
  return Number.isFinite(share) ? (100 * share).toFixed(1) : '-';
}

async function readAll(path: string): Promise<Map<string, SpeechSegment[]>> {
  const files = await filesOf(path);
  const all = new Map<string, SpeechSegment[]>();
  const from = new Map<string, string>();
  for (const file of files) {
    for (const [name, segments] of readRttm(await readFile(file, 'utf8'), file)) {
      if (all.has(name)) {
        throw new TimbreError('INVALID_ARGUMENT', `the recording ${name} is in ${from.get(name)} and in ${file}`);
      }
      all.set(name, segments);
      from.set(name, file);
    }
  }
  return all;
}

async function filesOf(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => name.endsWith('.rttm')).sort();
    if (names.length > 0) return names.map((name) => join(path, name));
  } catch (cause) {
    throw new TimbreError('INVALID_ARGUMENT', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  throw new TimbreError('INVALID_ARGUMENT', `there is no file *.rttm in ${path}`);
}

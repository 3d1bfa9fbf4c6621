// People of a folder of speech, with their recordings.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededUniform } from '../../dist/evaluation/bootstrap.js';
import { quantile, ROOT } from './machine.mjs';

const RESAMPLES = 400;
const SEED = 1;

/** @typedef {{ id: string, source: string, recordings: string[] }} Person */

/**
 * People of some pools: splits of files.tsv, and `report`, the people of `train` that nothing is trained on.
 * @param {string} data folder with files.tsv
 * @param {readonly string[]} pools
 * @param {number} [shortest] seconds; shorter recordings are left out
 * @returns {Person[]} and their recordings, both in the order of their names
 */
export function readPeople(data, pools, shortest = 0) {
  const reported = new Set(
    readFileSync(join(ROOT, 'models', 'training', 'report_speakers.txt'), 'utf8')
      .trim()
      .split('\n'),
  );
  const [head = '', ...lines] = readFileSync(join(data, 'files.tsv'), 'utf8').trim().split('\n');
  const columns = head.split('\t');
  /** @type {Map<string, Person>} */
  const people = new Map();
  for (const line of lines) {
    const row = Object.fromEntries(line.split('\t').map((cell, i) => [columns[i] ?? '', cell]));
    const { split = '', speaker = '', source = '', path = '', seconds = '' } = row;
    if (!pools.includes(reported.has(speaker) ? 'report' : split) || Number(seconds) < shortest) continue;
    const person = people.get(speaker) ?? { id: speaker, source, recordings: [] };
    people.set(speaker, person);
    person.recordings.push(path);
  }
  const sorted = [...people.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const { recordings } of sorted) recordings.sort();
  return sorted;
}

/**
 * A 95 % interval by drawing people with replacement.
 * @template T
 * @param {readonly T[]} people
 * @param {(of: readonly T[]) => number} statistic
 * @returns {[number, number]}
 */
export function intervalOver(people, statistic) {
  const random = seededUniform(SEED);
  const resampled = Array.from({ length: RESAMPLES }, () =>
    statistic(people.map(() => /** @type {T} */ (people[Math.floor(random() * people.length)]))),
  );
  return [quantile(resampled, 0.025), quantile(resampled, 0.975)];
}

/** In an order that is drawn, the same every time. @template T @param {readonly T[]} items */
export function shuffled(items) {
  const random = seededUniform(SEED);
  const rest = [...items];
  return Array.from(items, () => /** @type {T} */ (rest.splice(Math.floor(random() * rest.length), 1)[0]));
}

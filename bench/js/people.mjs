// People of a folder of speech, with their recordings.
import { join, resolve } from 'node:path';
import { seededUniform } from '../../dist/evaluation/bootstrap.js';
import { readTable } from '../../models/starter/data.mjs';
import { quantile, ROOT } from './machine.mjs';

const RESAMPLES = 400;
const SEED = 1;

/** Options of every program that looks at people: with which model, and whom. */
export const PEOPLE_OPTIONS = /** @type {const} */ ({
  model: { type: 'string', default: 'starter' },
  calibration: { type: 'string' },
  pool: { type: 'string', multiple: true, default: ['report'] },
  out: { type: 'string' },
});

/**
 * `kind`: people of one of them share language and channel: the source, of Common Voice the language.
 * @typedef {{ id: string, source: string, kind: string, recordings: string[] }} Person
 */

/** @param {string} [named] the folder of speech that a command line names */
export function speechFolder(named = join(ROOT, '..', 'shared', 'speech')) {
  return resolve(named);
}

/**
 * People of some pools: splits of files.tsv, and `report`, the people of `train` that nothing is trained on.
 * @param {string} data folder with files.tsv
 * @param {readonly string[]} pools
 * @param {number} [shortest] seconds; shorter recordings are left out
 * @returns {Person[]} and their recordings, both in the order of their names
 */
export function readPeople(data, pools, shortest = 0) {
  /** @type {Map<string, Person>} */
  const people = new Map();
  for (const { split = '', speaker = '', source = '', lang = '', path = '', seconds = '' } of readTable(data)) {
    if (!pools.includes(split) || Number(seconds) < shortest) continue;
    const kind = source.startsWith('common_voice') ? `common_voice ${lang}` : source;
    const person = people.get(speaker) ?? { id: speaker, source, kind, recordings: [] };
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

/** So many of these, in the order in which they are drawn. @template T @param {readonly T[]} of @param {number} count @param {() => number} random */
export function drawn(of, count, random) {
  const rest = [...of];
  return Array.from({ length: count }, () => /** @type {T} */ (rest.splice(Math.floor(random() * rest.length), 1)[0]));
}

/** In an order that is drawn, the same every time. @template T @param {readonly T[]} items */
export function shuffled(items) {
  return drawn(items, items.length, seededUniform(SEED));
}

// Parts of the lists, and how their figures are written.
import { nameOf, REPORT_FEWER } from './plan.mjs';

export const NOT_MEASURED = 'not measured';

export const TITLES = {
  starter: 'starter',
  campplus: 'CAM++ zh-en, as pulled',
  resemblyzer: 'Resemblyzer 0.1.4',
  before: 'the bundle of before',
};

const REPORT_PARTS = [
  { part: 'common_voice_others', name: 'Common Voice, other languages' },
  { part: 'common_voice_french', name: 'Common Voice, French' },
  { part: 'speechocean762', name: 'speechocean762 (English of Mandarin speakers)' },
  { part: 'wuw2', name: 'wuw2 (telephone)' },
  { part: '*speech_commands', name: 'one-second words' },
];
export const LIBRI = { list: 'libri', part: 'all', name: 'libri (LibriSpeech test-other)' };

/** @param {string} list `report`, or its list with fewer recordings */
const partsOf = (list) => REPORT_PARTS.map(({ part, name }) => ({ list, part, name }));

export const REPORTED = [...partsOf('report'), LIBRI];
/** Where cuts and copies are measured; a word of one second has nothing to cut. */
export const REPORTED_FEWER = [...partsOf(REPORT_FEWER), LIBRI];
export const DEV = [
  { list: 'dev', part: 'common_voice_*', name: 'Common Voice' },
  { list: 'dev', part: 'common_voice_french', name: 'Common Voice, French alone' },
  { list: 'dev', part: 'speechocean762', name: 'speechocean762' },
  { list: 'dev', part: 'wuw2', name: 'wuw2 (telephone)' },
  { list: 'dev', part: 'msc_malayalam', name: 'msc_malayalam' },
  { list: 'dev', part: 'arabic_speech_commands', name: 'arabic_speech_commands (one second)' },
];

/**
 * The rates of a part; undefined where they were not measured.
 * @param {{ results: Record<string, { parts: Record<string, object> }> }} measured
 */
export function ratesOf({ results }, { part, ...measurement }) {
  return results[nameOf(measurement)]?.parts[part];
}

export const percent = (share, digits = 2) => (100 * share).toFixed(digits);

export const grouped = (number) => number.toLocaleString('en-GB');

/** EER in per cent with its interval. */
export function errorRate(rates) {
  if (!rates) return NOT_MEASURED;
  const [low, high] = rates.eerInterval;
  return `${percent(rates.eer)} [${percent(low, 1)}, ${percent(high, 1)}]`;
}

export function table(header, rows) {
  return [header, header.map((_, i) => (i === 0 ? '---' : '---:')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

/** What a candidate of calibration.mjs looks at, and what it is learned on. */
export function calibrationName({ norm, closest, recordings, durations, even, on }) {
  return [
    norm === 'none' ? 'cosine' : `AS-norm of ${closest}`,
    ...(recordings ? ['recordings'] : []),
    ...(durations ? ['durations'] : []),
    ...(even ? ['parts even'] : []),
    ...(on ? ['on Common Voice and speechocean762'] : []),
  ].join(', ');
}

/**
 * The one with the fewest misses where parts that were left out of learning are accepted at the promised rates, both rates
 * together.
 * @template {{ matched: { frr: number }[] }} T
 * @param {readonly T[]} tried
 * @returns {T}
 */
export function chosen(tried) {
  const misses = (/** @type {T} */ { matched }) => matched.reduce((sum, { frr }) => sum + frr, 0);
  return tried.reduce((a, b) => (misses(b) < misses(a) ? b : a));
}

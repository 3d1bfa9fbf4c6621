// What was asked of the model, beside what it reached.
import { readFileSync } from 'node:fs';
import { LIBRI, percent, ratesOf } from './figures.mjs';
import { REPORT_FEWER } from './plan.mjs';

/** Common Voice of one list, all languages. */
const commonVoice = (list) => ({ list, part: 'common_voice_*' });

/** EER of the bundle by another of its own or of another system, at most so many times as high. */
const RATIOS = [
  ...[
    ['Common Voice, other languages', 'common_voice_others', 1.3],
    ['Common Voice, French', 'common_voice_french', 1.5],
    ['speechocean762', 'speechocean762', 1.15],
    ['telephone', 'wuw2', 1],
  ].map(([name, part, most]) => ({
    what: `\`report\`, ${name}: EER by that of CAM++`,
    most,
    of: { system: 'starter', list: 'report', condition: 'single', part },
    by: { system: 'campplus', list: 'report', condition: 'single', part },
  })),
  ...[
    ['Common Voice', 'common_voice_*'],
    ['speechocean762', 'speechocean762'],
    ['telephone', 'wuw2'],
  ].map(([name, part]) => ({
    what: `\`dev\`, ${name}, 1 s: EER by that of the bundle of before`,
    most: 0.85,
    of: { system: 'starter', list: 'dev', condition: 'cut-1', part },
    by: { system: 'before', list: 'dev', condition: 'cut-1', part },
  })),
  {
    what: `\`${REPORT_FEWER}\`, Common Voice, 10 s of silence on each side, pauses kept: EER by that without the silence`,
    most: 1.2,
    of: { system: 'starter', condition: 'silence-10', kept: true, ...commonVoice(REPORT_FEWER) },
    by: { system: 'starter', condition: 'single', kept: true, ...commonVoice(REPORT_FEWER) },
  },
  {
    what: `\`${REPORT_FEWER}\`, Common Voice, 10 s of silence on each side, by the rule for pauses: EER by that without the silence`,
    most: 1.05,
    of: { system: 'starter', condition: 'silence-10', ...commonVoice(REPORT_FEWER) },
    by: { system: 'starter', condition: 'single', ...commonVoice(REPORT_FEWER) },
  },
];

/** Of a run with another seed, where there was one: `{ reached, met }`. */
const { again: AGAIN } = JSON.parse(readFileSync(new URL('choices.json', import.meta.url), 'utf8'));

const MOST_LIBRI = 0.9;
const MOST_TIME = 2.2;
/** A promise is kept where the rate is within this factor of it. */
const PROMISE_FACTOR = 2;

/** Of impostors of one part of the list, all parts together. */
const PROMISES = { system: 'starter', list: 'report', condition: 'single', evidence: true, part: 'all' };

/**
 * Each target: what it is of, what was asked, what was reached, and whether; `met` is null where it was not measured.
 * @returns {{ what: string, asked: string, reached: string | null, met: boolean | null }[]}
 */
export function targetsOf(measured) {
  return [
    ...RATIOS.map(({ what, most, of, by }) => {
      const [own, other] = [ratesOf(measured, of), ratesOf(measured, by)];
      const asked = most === 1 ? 'below 1' : `at most ${most}`;
      if (!own || !other) return { what, asked, reached: null, met: null };
      const met = most === 1 ? own.eer < other.eer : own.eer <= most * other.eer;
      const ratio = other.eer > 0 ? ` = ${(own.eer / other.eer).toFixed(2)}` : '';
      return { what, asked, reached: `${percent(own.eer)} % / ${percent(other.eer)} %${ratio}`, met };
    }),
    libri(measured),
    ...[0.01, 0.001].map((rate) => promise(measured, rate)),
    time(measured),
    {
      what: 'trained again by the same code with another seed: EER',
      asked: 'within the interval',
      reached: AGAIN?.reached ?? null,
      met: AGAIN?.met ?? null,
    },
  ];
}

function libri(measured) {
  const rates = ratesOf(measured, { system: 'starter', condition: 'single', ...LIBRI });
  return {
    what: '`libri`: EER',
    asked: `at most ${MOST_LIBRI} %`,
    reached: rates ? `${percent(rates.eer)} %` : null,
    met: rates ? 100 * rates.eer <= MOST_LIBRI : null,
  };
}

function promise(measured, rate) {
  const rates = ratesOf(measured, PROMISES);
  const kept = rates?.promised.find(({ asked }) => asked === rate);
  return {
    what: `\`report\`, impostors accepted at the threshold for ${100 * rate} %`,
    asked: `${percent(rate / PROMISE_FACTOR, 2)} to ${percent(rate * PROMISE_FACTOR, 1)} %`,
    reached: kept ? `${percent(kept.far)} % (${kept.accepted} of ${rates.impostors})` : null,
    met: kept ? kept.far <= rate * PROMISE_FACTOR && kept.far >= rate / PROMISE_FACTOR : null,
  };
}

function time({ speed }) {
  const ratio = speed?.ratio ?? null;
  return {
    what: `time for 3 s by that of the bundle of before`,
    asked: `at most ${MOST_TIME}`,
    reached: ratio === null ? null : ratio.toFixed(2),
    met: ratio === null ? null : ratio <= MOST_TIME,
  };
}

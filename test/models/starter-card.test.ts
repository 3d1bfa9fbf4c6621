import { describe, expect, test } from '@jest/globals';
import { cardOf, summaryOf } from '../../models/starter/card.mjs';
import { comparisonOf, readmeFigures } from '../../models/starter/comparison.mjs';
import { partOf, partTable, sourcesOf } from '../../models/starter/data.mjs';
import { CONDITIONS, nameOf, plan, REPORT_FEWER } from '../../models/starter/plan.mjs';
import { chosen } from '../../models/starter/figures.mjs';
import { targetsOf } from '../../models/starter/targets.mjs';

interface Rates {
  eer: number;
  impostors?: number;
  promised?: { asked: number; llr: number; accepted: number; far: number; farInterval: [number, number] }[];
}

/** A measurement as measure.mjs leaves it. */
function rates({ eer, impostors = 1000, promised = [] }: Rates): object {
  const interval: [number, number] = [eer / 2, eer * 2];
  const costs = [0.01, 0.05].map((prior) => ({ prior, minDcf: eer, actDcf: null }));
  return { targets: 100, impostors, speakers: 20, eer, eerInterval: interval, balancedEer: eer, costs,
    cllr: 0.2, minCllr: 0.1, frrAtFar1: 0.05, promised }; // prettier-ignore
}

interface Measured {
  lists: object;
  sizes: Record<string, number>;
  speed: object | null;
  notMeasured: Record<string, string>;
  results: Record<string, { parts: Record<string, object> }>;
}

const NOTHING: Measured = { lists: {}, sizes: {}, speed: null, notMeasured: {}, results: {} };

/** Everything measured: every part of a system has its rate, other conditions half more. */
function everything(of: Record<string, number>): Measured {
  const parts = ['all', 'common_voice_*', 'common_voice_others', 'common_voice_french', 'speechocean762', 'wuw2',
    '*speech_commands', 'msc_malayalam', 'arabic_speech_commands']; // prettier-ignore
  const promised = [0.01, 0.001].map((asked) => ({ asked, llr: 2, accepted: 15, far: 0.015, farInterval: [0.01, 0.02] as [number, number] })); // prettier-ignore
  const results = Object.fromEntries(
    plan().map((measurement) => {
      const eer = (of[measurement.system] ?? 0.1) * (measurement.condition === 'single' ? 1 : 1.5);
      return [
        nameOf(measurement),
        { parts: Object.fromEntries(parts.map((part) => [part, rates({ eer, promised })])) },
      ];
    }),
  );
  const speed = {
    seconds: 3,
    machine: 'x',
    load: 0,
    milliseconds: { starter: 10, campplus: 50, resemblyzer: 20 },
    ratio: 1.5,
    resemblyzerBytes: 17e6,
  };
  return { ...NOTHING, sizes: { starter: 6e6, campplus: 28e6 }, speed, results };
}

/** A candidate for the calibration, as calibration.mjs leaves it, with one rate everywhere. */
function tried(candidate: object, far: number): Tried {
  const rates = [0.01, 0.001].map((asked) => ({
    asked, far: (far * asked) / 0.01, frr: 0.3, bySize: {}, byPart: { wuw2: { far: far / 2, frr: 0.4 } },
  })); // prettier-ignore
  return { ...candidate, people: rates, parts: rates, matched: [0.01, 0.001].map((asked) => ({ asked, moved: 0, frr: far })) }; // prettier-ignore
}

interface Tried {
  people: { asked: number; far: number; frr: number; byPart: Record<string, { far: number; frr: number }> }[];
  parts: Tried['people'];
  matched: { asked: number; moved: number; frr: number }[];
}

const MANIFEST = {
  network: { channels: 320 },
  embedding: { dim: 192 },
  storage: 'fp16',
  licence: 'Apache-2.0',
  training: {
    hours: 18.9, speakers: 4000, recordings: 17000, steps: 5000, minutes: 100, seed: 1, machine: '2 cores',
    startedFrom: null, commit: 'c', command: 'python', sources: [], teachers: [],
    normalisation: {
      strength: 0, centred: true,
      tried: [0, 1].map((strength) => ({ strength, centred: true, eer_left_out: { wuw2: 9 }, mean_eer: 9 })),
    },
    calibrations: [
      tried({ norm: 'none', recordings: true, durations: false, even: false, on: ['speechocean762'] }, 0.02),
      tried({ norm: 'as', closest: 20, recordings: false, durations: false, even: true }, 0.011),
    ],
  },
  calibration: {
    offset: -3, scale: 13, norm: 'as', closest: 20, quality: {},
    learned: { even: true, targets: 300, impostors: 1000, speakers: 24, within: 'part', cllr: 0.2, crossValidatedCllr: 0.3 },
  },
  thresholds: [{ falseAcceptRate: 0.01, cosine: null, llr: 1.5 }],
}; // prettier-ignore

const PUBLISHED = [
  { name: 'some-model', title: 'Some', evaluation: [{ trials: 'A-list', eerPercent: 0.9, scoring: 'cosine' }] },
];

describe('what is measured', () => {
  test('nobody is measured on people whom they trained on, and copies are of fewer recordings', () => {
    const all = plan();
    expect(all.some(({ system, list }) => system === 'before' && list.startsWith('report'))).toBe(false);
    const copied = CONDITIONS.filter(({ copies }) => copies).map(({ id }) => id);
    for (const { condition, list } of all) {
      if (copied.includes(condition)) expect([REPORT_FEWER, 'libri']).toContain(list);
    }
    expect(new Set(all.map(nameOf)).size).toBe(all.length);
  });

  test('every condition is measured on both lists that the card shows, of three systems', () => {
    const names = new Set(plan().map(nameOf));
    for (const { id } of CONDITIONS) {
      for (const list of [id === 'single' || id === 'three' ? 'report' : REPORT_FEWER, 'libri']) {
        for (const system of ['starter', 'campplus', 'resemblyzer']) {
          const leftOut = system === 'resemblyzer' && id === 'silence-60' && list === REPORT_FEWER;
          expect([id, list, system, names.has(`${system}/${list}/${id}`)]).toEqual([id, list, system, !leftOut]);
        }
      }
    }
  });

  test('Common Voice is two parts, other sources are one each; report is no source of training', () => {
    expect(partOf({ source: 'common_voice_17delta_fr', lang: 'fr' })).toBe('common_voice_french');
    expect(partOf({ source: 'common_voice_uz', lang: 'uz' })).toBe('common_voice_others');
    expect(partOf({ source: 'wuw2', lang: 'en' })).toBe('wuw2');
    const row = { speaker: 's', source: 'common_voice_uz', lang: 'uz', licence: 'CC0-1.0', seconds: '36' };
    const rows = [
      { ...row, path: 'a', split: 'train' },
      { ...row, path: 'b', split: 'report' },
    ];
    expect(partTable(rows)).toBe('path\tspeaker\tpart\na\ts\tcommon_voice_others\nb\ts\tcommon_voice_others\n');
    expect(sourcesOf(rows)).toEqual([{ name: 'common_voice', licence: 'CC0-1.0', recordings: 1, hours: 0.01 }]);
  });
});

test('of the candidates for the calibration the one with the fewest misses at both rates together is taken', () => {
  const at = (...misses: number[]): { matched: { frr: number }[] } => ({ matched: misses.map((frr) => ({ frr })) });
  const candidates = [at(0.2, 0.6), at(0.3, 0.4), at(0.1, 0.9)];
  expect(chosen(candidates)).toBe(candidates[1]);
});

describe('the targets', () => {
  test('are neither met nor missed where nothing was measured', () => {
    for (const { reached, met } of targetsOf(NOTHING)) expect({ reached, met }).toEqual({ reached: null, met: null });
  });

  test('are ratios to the other system, and rates within a factor of two of the promise', () => {
    const found = targetsOf(everything({ starter: 0.05, campplus: 0.04, before: 0.06 }));
    const of = (what: string): object | undefined => found.find((target) => target.what.includes(what));
    expect(of('other languages')).toMatchObject({ met: true, reached: '5.00 % / 4.00 % = 1.25' });
    expect(of('`report`, speechocean762')).toMatchObject({ met: false });
    expect(of('`report`, telephone')).toMatchObject({ met: false, asked: 'below 1' });
    expect(of('`dev`, Common Voice, 1 s')).toMatchObject({ met: true, reached: '7.50 % / 9.00 % = 0.83' });
    expect(of('libri')).toMatchObject({ met: false, reached: '5.00 %' });
    expect(of('for 1 %')).toMatchObject({ met: true, reached: '1.50 % (15 of 1000)' });
    expect(of('for 0.1 %')).toMatchObject({ met: false });
    expect(of('time for 3 s')).toMatchObject({ met: true });
  });
});

describe('the pages', () => {
  test('say of everything that was not measured that it was not', () => {
    const card = cardOf(MANIFEST, { ...NOTHING, notMeasured: { 'amr-nb': 'no encoder' } });
    expect(card).toContain('Not measured: amr-nb (no encoder).');
    for (const page of [card, comparisonOf(MANIFEST, NOTHING, PUBLISHED), readmeFigures(NOTHING)]) {
      expect(page).toContain('not measured');
      expect(page).not.toMatch(/undefined|NaN|null/);
    }
    expect(summaryOf(NOTHING)).toEqual([]);
  });

  test('have every number that was, and how many choices were made on dev', () => {
    const measured = everything({ starter: 0.05, campplus: 0.04, resemblyzer: 0.1, before: 0.06 });
    const card = cardOf(MANIFEST, measured);
    expect(card).toContain('| Common Voice, French | 100 / 1,000, 20 | 5.00 [2.5, 10.0] | 4.00 [2.0, 8.0] |');
    expect(card).toContain('trained on them');
    expect(card).toContain('4 candidates that were counted');
    expect(card).toContain('llr = -3.000 + 13.000 x AS-norm, learned on all of `dev`');
    expect(card).toContain('AS-norm looks at the 20 closest of the cohort');
    expect(card).toContain('1.50 [1.00, 2.00], 15 of 1,000');
    expect(card).toContain('| cosine, recordings, on Common Voice and speechocean762 | 2.00 (30.0) | 0.20 (30.0) |');
    expect(card).toContain('| **AS-norm of 20, parts even** | 1.10 (30.0) | 0.11 (30.0) |');
    expect(card).toContain('| wuw2 | 0.55 (40.0) | 0.55 (40.0) |');
    // Only what is left out on purpose: Resemblyzer and a minute of silence, pauses kept elsewhere, another run.
    const lines = card.split('\n').filter((line) => line.includes('| not measured'));
    for (const line of lines) expect(line).toMatch(/Resemblyzer|pauses kept|another seed/);
    const page = comparisonOf(MANIFEST, measured, PUBLISHED);
    expect(page).toContain('`campplus-zh-en`: Common Voice, other languages');
    expect(page).toContain('5.0 times as long');
    expect(page).toContain('| `some-model`, Some | A-list | cosine | 0.90 |');
    expect(page).not.toContain('not measured');
    expect(readmeFigures(measured)).toContain('| wuw2 (telephone) | 5.0 % | 7.5 % |');
    expect(summaryOf(measured)[0]).toMatchObject({
      part: 'report, Common Voice, other languages',
      eer: 0.05,
      cllr: 0.2,
    });
  });
});

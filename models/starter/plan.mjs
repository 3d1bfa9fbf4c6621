// What is measured: which system, on which list, under which condition.

/** Recordings of a speaker of `report` on which copies and cuts are measured: all of them would take hours. */
export const FEWER = 6;

/** Trials of `report` on the speakers' first FEWER recordings. */
export const REPORT_FEWER = `report-${FEWER}`;

export const LISTS = ['report', REPORT_FEWER, 'libri', 'dev'];

export const CUTS = [0.5, 1, 2, 3, 5];

/**
 * `cut`: seconds from the middle of both sides; `copies`: both sides went through it (models/training/conditions.py).
 * @type {{ id: string, name: string, cut?: number, copies?: true }[]}
 */
export const CONDITIONS = [
  { id: 'single', name: 'whole' },
  { id: 'three', name: 'three enrolments' },
  ...CUTS.map((cut) => ({ id: `cut-${cut}`, name: `${cut} s`, cut })),
  { id: 'silence-10', name: '10 s of silence', copies: true },
  { id: 'silence-60', name: '60 s of silence', copies: true },
  { id: 'opus-8', name: 'Opus 8 kbit/s', copies: true },
  { id: 'amr-nb', name: 'AMR-NB', copies: true },
  { id: 'g711-mu', name: 'G.711', copies: true },
  { id: 'mp3-16', name: 'MP3 16 kbit/s', copies: true },
];

export const COPIES = CONDITIONS.filter(({ copies }) => copies).map(({ id }) => id);

/** The one who trained on the people of `report` is the last. */
export const SYSTEMS = ['starter', 'campplus', 'resemblyzer', 'before'];

/**
 * `kept`: recordings are embedded with all their pauses. `evidence`: the scores that the bundle's calibration is for,
 * trials of strangers within one part of the list, as the calibration was learned.
 * @typedef {{ system: string, list: string, condition: string, kept?: true, evidence?: true }} Measurement
 */

/** @param {Measurement} measurement */
export function nameOf({ system, list, condition, kept, evidence }) {
  return [system, list, condition, ...(kept ? ['kept'] : []), ...(evidence ? ['evidence'] : [])].join('/');
}

function listsOf(condition) {
  if (condition === 'single') return LISTS;
  if (condition === 'three') return ['report', 'libri', 'dev'];
  // What was asked of a second of speech is asked on `dev`.
  return condition === 'cut-1' ? [REPORT_FEWER, 'libri', 'dev'] : [REPORT_FEWER, 'libri'];
}

/** @param {Measurement} measurement */
function isMeasured({ system, list, condition }) {
  if (system === 'before') return list === 'libri' || list === 'dev';
  if (system === 'starter') return true;
  if (list === 'dev') return condition === 'single' || condition === 'three';
  // It hears two minutes of silence whole, which takes longer than all its other measurements.
  return !(system === 'resemblyzer' && condition === 'silence-60' && list === REPORT_FEWER);
}

/**
 * All measurements, those first whose conditions are first.
 * @returns {Measurement[]}
 */
export function plan() {
  return CONDITIONS.flatMap(({ id: condition }) =>
    SYSTEMS.flatMap((system) =>
      listsOf(condition).flatMap((list) => {
        const one = { system, list, condition };
        if (!isMeasured(one)) return [];
        // Of `dev`, whence the calibration is, evidence says nothing.
        if (system !== 'starter' || list === 'dev') return [one];
        const alsoKept = list !== 'report' && (condition === 'single' || condition === 'silence-10');
        return [one, ...(alsoKept ? [{ ...one, kept: true }] : []), { ...one, evidence: true }];
      }),
    ),
  );
}

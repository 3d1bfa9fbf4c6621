// docs/comparison.md: which model to take when, from what measure.mjs found; and the figures of the README.
import { errorRate, NOT_MEASURED, percent, ratesOf, REPORTED, REPORTED_FEWER, table } from './figures.mjs';
import { REPORT_FEWER } from './plan.mjs';

const SYSTEMS = ['starter', 'campplus', 'resemblyzer'];
const SHORT = { starter: '**starter** (bundled)', campplus: '`campplus-zh-en`', resemblyzer: 'Resemblyzer' };
const DIMS = { campplus: 192, resemblyzer: 256 };

/**
 * @param {Record<string, any>} manifest of the bundle
 * @param {{ title: string, evaluation: { trials: string, eerPercent: number, scoring: string }[] }[]} published models
 * @returns {string} the page
 */
export function comparisonOf(manifest, measured, published) {
  return `${[
    `# Which model`,
    `The bundled model, CAM++ as \`timbre models pull campplus-zh-en\` makes it, and Resemblyzer, an encoder in Python that many ` +
      `projects use, on the same lists of people whom no training and no choice of the bundled model saw. This page is written by ` +
      `\`models/starter/make.mjs\` from \`models/starter.json\`; the [card](../models/starter.md) says what the lists are and has ` +
      `every other number.`,
    `## In short`,
    summary(measured),
    `## Error rates`,
    `Equal error rate in per cent with its 95 % interval over speakers, cosine. One enrolment utterance:`,
    rates(measured, REPORTED, 'single'),
    `Three enrolment utterances:`,
    rates(measured, REPORTED, 'three'),
    `One second of speech on both sides, cut from the middle (\`${REPORT_FEWER}\`):`,
    rates(measured, REPORTED_FEWER, 'cut-1'),
    `10 s of silence before and behind (\`${REPORT_FEWER}\`); the first two embed the speech without it:`,
    rates(measured, REPORTED_FEWER, 'silence-10'),
    `Opus at 8 kbit/s (\`${REPORT_FEWER}\`):`,
    rates(measured, REPORTED_FEWER, 'opus-8'),
    `Resemblyzer was trained on the corpus of \`libri\`; which recordings CAM++ was trained on is not published. Where these ` +
      `lists are among them, their rates flatter.`,
    `## Time and size`,
    costs(manifest, measured),
    `## Published figures`,
    `Error rates that publishers state for other lists. They do not compare with those above: VoxCeleb1-O is interviews of ` +
      `public figures, and the models were trained on interviews of others.`,
    publishedRates(published),
    `## Which to take when`,
    advice(measured),
  ].join('\n\n')}\n`;
}

/** Which has the lowest error rate where. */
function summary(measured) {
  const lowest = new Map();
  for (const { name, ...part } of REPORTED) {
    const found = SYSTEMS.flatMap((system) => {
      const own = ratesOf(measured, { system, condition: 'single', ...part });
      return own ? [{ system, eer: own.eer }] : [];
    });
    if (found.length < SYSTEMS.length) continue;
    const least = Math.min(...found.map(({ eer }) => eer));
    for (const { system } of found.filter(({ eer }) => eer === least)) {
      lowest.set(system, [...(lowest.get(system) ?? []), name]);
    }
  }
  if (lowest.size === 0) return `Not measured yet.`;
  const lines = [...lowest].map(([system, names]) => `- ${SHORT[system]}: ${names.join('; ')}`);
  return `Lowest equal error rate, one enrolment utterance:\n\n${lines.join('\n')}`;
}

function rates(measured, parts, condition) {
  const rows = parts.map(({ name, ...part }) => [
    name,
    ...SYSTEMS.map((system) => errorRate(ratesOf(measured, { system, condition, ...part }))),
  ]);
  return table(['part', ...SYSTEMS.map((system) => SHORT[system])], rows);
}

const megabytes = (bytes) => (bytes === undefined ? NOT_MEASURED : `${(bytes / 1e6).toFixed(1)} MB`);

function costs({ embedding, licence }, { speed, sizes }) {
  const time = (system) => {
    const milliseconds = speed?.milliseconds[system];
    return milliseconds === undefined ? NOT_MEASURED : `${milliseconds.toFixed(1)} ms`;
  };
  const rows = [
    [SHORT.starter, time('starter'), megabytes(sizes.starter), embedding.dim, licence, 'in the package'],
    [SHORT.campplus, time('campplus'), megabytes(sizes.campplus), DIMS.campplus, 'Apache-2.0', '`timbre models pull campplus-zh-en`'],
    [SHORT.resemblyzer, time('resemblyzer'), megabytes(speed?.resemblyzerBytes), DIMS.resemblyzer, 'Apache-2.0', 'Python; not a model of Timbre'],
  ]; // prettier-ignore
  const how = speed
    ? `${speed.seconds} s of speech, from samples to the embedding, one thread, median, pauses kept; ${speed.machine}, load average ` +
      `${speed.load.toFixed(1)} when it began. Resemblyzer runs in PyTorch, without its own detector of speech.`
    : 'The times were not measured yet.';
  return [table(['model', 'time', 'file', 'dimensions', 'licence', 'how it is got'], rows), how].join('\n\n');
}

function publishedRates(published) {
  const rows = published.flatMap(({ name, title, evaluation }) =>
    evaluation.map(({ trials, eerPercent, scoring }) => [`\`${name}\`, ${title}`, trials, scoring, `${eerPercent.toFixed(2)}`]),
  ); // prettier-ignore
  return table(['model', 'list', 'scoring', 'EER %'], rows);
}

function advice(measured) {
  const { speed } = measured;
  const [own, other] = [speed?.milliseconds.starter, speed?.milliseconds.campplus];
  const times = own && other ? `${(other / own).toFixed(1)} times as long` : 'several times as long';
  const telephone = ['starter', 'campplus'].map((system) =>
    ratesOf(measured, { system, list: 'report', condition: 'single', part: 'wuw2' }),
  );
  const [first, second] = telephone.map((one) => one && percent(one.eer, 1));
  return [
    `- **Nothing to fetch, small machines, first steps, tests**: the bundled model.`,
    `- **Sentences into ordinary microphones, where an error costs something**: compare the first two columns above for the ` +
      `recordings that yours resemble. CAM++ takes ${times} for an utterance.`,
    `- **Telephone**: ${first && second ? `${first} % for the bundled model, ${second} % for CAM++` : NOT_MEASURED}. Calibrate on ` +
      `calls of your own ([accuracy](accuracy.md)) before anything is decided.`,
    `- **Many comparisons from vectors that are there**: what was enrolled with one model does not compare with another's, and ` +
      `changing it means to enrol anew from recordings.`,
    `- **Resemblyzer**: where its vectors have to stay as they are, keep it beside Timbre; there is no bundle of it.`,
    `- **Published ECAPA-TDNN** (\`timbre models pull speechbrain-ecapa-voxceleb\`): where results have to be those of its project; its ` +
      `figures above are its publisher's.`,
  ].join('\n');
}

/** The block of the README between its markers. */
export function readmeFigures(measured) {
  const rows = REPORTED.map(({ name, ...part }) => [
    name,
    ...['single', 'three'].map((condition) => {
      const own = ratesOf(measured, { system: 'starter', condition, ...part });
      return own ? `${percent(own.eer, 1)} %` : NOT_MEASURED;
    }),
  ]);
  return [
    `The bundled model, equal error rate with one enrolment utterance and with three, on people whom neither training nor choices ` +
      `saw (its [card](models/starter.md) has the intervals, other conditions and how it was trained;\n` +
      `[docs/comparison.md](docs/comparison.md) has it beside other models):`,
    table(['recordings', 'one', 'three'], rows),
  ].join('\n\n');
}

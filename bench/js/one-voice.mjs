// Does a recording hold one voice? Recordings of one person, and the same with somebody else's speech behind: how many are
// told as several voices, by the rule of enrolling (`oneVoice`, src/service/records/voices-in-parts.ts).
//
//   npm run build && timbre models pull segmentation
//   node bench/js/one-voice.mjs [../shared/speech] [--pool dev] [--model starter] [--out FILE]
//
// A person's recording is the last one of at least 5 s; the other person is the next of the same source, whose speech is the
// middle of the last recording, at the same level, after half a second of silence. Needs ffmpeg.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { SpeakerEncoder } from '../../dist/index.js';
import { voicesIn } from '../../dist/service/records/voices-in-parts.js';
import { behind, decoded, RATE } from './decoded.mjs';
import { commandWords, describeMachine } from './machine.mjs';
import { intervalOver, PEOPLE_OPTIONS, readPeople, speechFolder } from './people.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...PEOPLE_OPTIONS,
    segmentation: { type: 'string', default: 'segmentation' },
    people: { type: 'string', default: '1000' },
    workers: { type: 'string', default: '2' },
  },
});
const SHORTEST_SECONDS = 5;
/** Seconds of the other person. */
const OTHERS = [0, 1, 2, 4];
const data = speechFolder(positionals[0]);

const people = readPeople(data, values.pool, SHORTEST_SECONDS)
  .slice(0, Number(values.people))
  .map(({ id, source, recordings }) => ({ id, source, path: /** @type {string} */ (recordings.at(-1)) }));
const encoder = await SpeakerEncoder.load({
  model: values.model,
  segmentation: values.segmentation,
  device: 'cpu',
  workers: Number(values.workers),
});
const { model } = encoder.info();
const machine = describeMachine();

/** Of each person, for each length of the other: whether several voices are told. @type {Map<string, boolean[]>} */
const told = new Map();
for (const [at, { id, source, path }] of people.entries()) {
  const next = [...people.slice(at + 1), ...people].find((one) => one.source === source && one.id !== id);
  if (!next) continue;
  const [own, other] = [decoded(join(data, path)), decoded(join(data, next.path))];
  /** @type {boolean[]} */
  const outcomes = [];
  for (const seconds of OTHERS) {
    const result = await encoder.conversation({ samples: behind(own, other, seconds), sampleRate: RATE });
    outcomes.push(voicesIn([{ start: 0, end: result.seconds }], result).length > 1);
  }
  told.set(id, outcomes);
  if ((at + 1) % 50 === 0) process.stderr.write(`${at + 1} of ${people.length}\n`);
}
await encoder.close();

const percent = (/** @type {number} */ x) => (100 * x).toFixed(1);
/** @param {number} at */
function share(at) {
  const rate = (/** @type {readonly boolean[][]} */ of) => of.filter((outcomes) => outcomes[at]).length / of.length;
  const all = [...told.values()];
  return `${percent(rate(all))} [${intervalOver(all, rate).map(percent).join(', ')}]`;
}
const report = `# Does a recording hold one voice?

\`node bench/js/one-voice.mjs ${commandWords()}\`

${machine}
- model ${model}; ${told.size} people of ${values.pool.join(' and ')}, a recording of ${SHORTEST_SECONDS} s or more each

Recordings that are told as several voices (\`oneVoice\` of an enrolment), in per cent, with the 95 % interval over people. The
first row are refusals of people who were alone.

| seconds of somebody else behind | told, % |
| ---: | ---: |
${OTHERS.map((seconds, at) => `| ${seconds} | ${share(at)} |`).join('\n')}
`;
process.stdout.write(report);
if (values.out !== undefined) writeFileSync(values.out, report);

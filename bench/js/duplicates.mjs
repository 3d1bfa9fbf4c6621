// People who are enrolled twice under two ids: how many are told as possible duplicates, and how many others are.
//
//   npm run build
//   node bench/js/duplicates.mjs ../shared/speech [--model starter] [--pool report] [--rates 0.01,0.001] [--out FILE]
//
// Half of the people are enrolled twice, with every other of their recordings each time; the others once, with the first
// of these halves. An interval is the 95 % bootstrap interval over people.
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { URLSearchParams } from 'node:url';
import { parseArgs } from 'node:util';
import { commandWords, describeMachine } from './machine.mjs';
import { enrol, mapInLanes, modelSettings, recordingsOf, withService } from './people-service.mjs';
import { intervalOver, PEOPLE_OPTIONS, readPeople, shuffled, speechFolder } from './people.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...PEOPLE_OPTIONS,
    each: { type: 'string', default: '3' },
    shortest: { type: 'string', default: '2' },
    rates: { type: 'string', default: '0.01,0.001' },
    people: { type: 'string', default: '1000' },
  },
});
const data = speechFolder(positionals[0]);
const [each, shortest, most] = [values.each, values.shortest, values.people].map(Number);
const rates = values.rates.split(',').map(Number);
const AGAIN = '.again';
const PAGE = 100;

/** @typedef {{ of: string, speakerId: string }} Pair */
/** What was told of one person. @typedef {{ twice: boolean, found: boolean, others: number }} Told */

const able = readPeople(data, values.pool, shortest).filter(({ recordings }) => recordings.length >= 2 * each);
const people = shuffled(able).slice(0, most);
const twice = new Set(people.slice(0, Math.floor(people.length / 2)).map(({ id }) => id));
const recording = recordingsOf(data);
const machine = describeMachine();
const { enrolled, doubles, rows } = await withService(modelSettings(values), async (service) => {
  const ready = await mapInLanes(people, async ({ id, recordings }) => {
    const taken = recordings.slice(0, 2 * each).map(recording);
    const first = await enrol(service, { id }, taken.filter((_, i) => i % 2 === 0)); // prettier-ignore
    const again = twice.has(id) && (await enrol(service, { id: `${id}${AGAIN}` }, taken.filter((_, i) => i % 2 === 1))); // prettier-ignore
    return { id, first, again };
  });
  const all = ready.filter(({ first }) => first);
  const told = await mapInLanes(rates, async (rate) => {
    const pairs = await pairsAt(service, rate);
    return { rate, people: all.map(({ id, again }) => toldOf(id, again, pairs)) };
  });
  return {
    enrolled: all.length,
    doubles: all.filter(({ again }) => again).length,
    rows: told.map(({ rate, people: of }) => rowOf(rate, of)),
  };
});
const report = `# Possible duplicates

\`node bench/js/duplicates.mjs ${commandWords()}\`

${machine}
- model ${values.model}; ${enrolled} people of ${values.pool.join(' and ')} with ${each} recordings of ${shortest} s or more each, ${doubles} of them enrolled twice

In per cent of people, with the 95 % interval over people. Told falsely: people who are told as possible duplicates of somebody
they are not, under one of their ids or the other; promised is the share of enrolments of people who are nobody else.

| promised | of those enrolled twice, found | told falsely |
| ---: | ---: | ---: |
${rows.join('\n')}
`;
process.stdout.write(report);
if (values.out !== undefined) writeFileSync(values.out, report);

/**
 * Everybody compared with everybody.
 * @param {import('../reliability/service.mjs').Service} service
 * @param {number} rate
 * @returns {Promise<Pair[]>}
 */
async function pairsAt(service, rate) {
  /** @type {Pair[]} */
  const pairs = [];
  for (let cursor = ''; ;) {
    const query = new URLSearchParams({
      limit: String(PAGE),
      falseAcceptRate: String(rate),
      ...(cursor && { cursor }),
    });
    const page = await service.call(`/v1/duplicates?${query}`);
    pairs.push(...page.pairs);
    if (page.nextCursor === null) return pairs;
    cursor = page.nextCursor;
  }
}

/** @param {string} id @param {boolean} again @param {readonly Pair[]} pairs @returns {Told} */
function toldOf(id, again, pairs) {
  const own = [id, `${id}${AGAIN}`];
  const pairsOfOne = pairs.filter(({ of, speakerId }) => own.includes(of) || own.includes(speakerId));
  const others = pairsOfOne.filter(({ of, speakerId }) => !(own.includes(of) && own.includes(speakerId)));
  return { twice: again, found: pairsOfOne.length > others.length, others: others.length };
}

/** @param {number} rate @param {readonly Told[]} people */
function rowOf(rate, people) {
  const share = (/** @type {(one: Told) => boolean} */ is) => (/** @type {readonly Told[]} */ of) =>
    (100 * of.filter(is).length) / of.length;
  const cell = (/** @type {readonly Told[]} */ of, /** @type {(one: Told) => boolean} */ is) => {
    const [low, high] = intervalOver(of, share(is));
    return `${share(is)(of).toFixed(1)} [${low.toFixed(1)}, ${high.toFixed(1)}], ${of.filter(is).length} of ${of.length}`;
  };
  const found = cell(
    people.filter((one) => one.twice),
    (one) => one.found,
  );
  return `| ${100 * rate} | ${found} | ${cell(people, (one) => one.others > 0)} |`;
}

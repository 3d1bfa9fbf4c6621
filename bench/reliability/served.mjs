// A service as a process of its own, as `timbre serve` runs it, and what it holds: memory, descriptors, files.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { ROOT } from '../js/machine.mjs';
import { patience } from './patience.mjs';
import { localKey } from './service.mjs';

/** Seconds that a service gets to become ready. */
const READY_SECONDS = 120;

/** @returns {Promise<number>} a port that nobody had a moment ago */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/**
 * Starts a service in a folder and waits until it is ready.
 * @param {string} folder where it keeps data, uploads and its log
 * @param {Record<string, string>} settings variables of docs/configuration.md
 */
export async function serve(folder, settings = {}) {
  const [dataDir, uploadDir, tempDir] = ['data', 'uploads', 'tmp'].map((name) => join(folder, name));
  for (const path of [uploadDir, tempDir]) mkdirSync(/** @type {string} */ (path), { recursive: true });
  const port = await freePort();
  const logFile = join(folder, 'service.log');
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [join(ROOT, 'dist', 'cli', 'main.js'), 'serve'], {
    cwd: folder,
    env: {
      ...process.env,
      TMPDIR: tempDir,
      PORT: String(port),
      EMBEDDING_SERVICE_PORT: 'off',
      MODEL_CACHE_DIR: join(ROOT, 'models'),
      TIMBRE_DATA_DIR: dataDir,
      TIMBRE_UPLOAD_DIR: uploadDir,
      TIMBRE_LOG_LEVEL: 'warn',
      TIMBRE_RATE_LIMIT: '0',
      TIMBRE_CONSENT: 'optional',
      ...settings,
    },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  /** @type {string | undefined} */
  let ended;
  const exited = new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      ended = signal ?? `status ${code}`;
      resolve(ended);
    });
  });
  const url = `http://127.0.0.1:${port}`;
  const isOver = patience(READY_SECONDS);
  for (;;) {
    if (ended !== undefined) throw new Error(`the service ended with ${ended}:\n${readFileSync(logFile, 'utf8')}`);
    if (isOver()) throw new Error(`the service is not ready after ${READY_SECONDS} s`);
    const ready = await fetch(`${url}/health/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const pid = /** @type {number} */ (child.pid);
  const key = localKey(/** @type {string} */ (dataDir));
  const temporary = () => [uploadDir, tempDir].flatMap((path) => filesIn(/** @type {string} */ (path)));
  return {
    url,
    /** The local key: its clients send it. */
    key,
    pid,
    /** How it ended; undefined while it runs. */
    ended: () => ended,
    /** Lines of its log that are errors, and lines that are none of its own. */
    errors: () =>
      readFileSync(logFile, 'utf8')
        .split('\n')
        .filter((line) => line !== '' && !isQuiet(line)),
    sample: () => ({
      residentMb: residentOf(pid),
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      threads: readdirSync(`/proc/${pid}/task`).length,
      temporaryFiles: temporary().length,
      databaseMb: bytesIn(/** @type {string} */ (dataDir)) / 1e6,
    }),
    /** Files of uploads and of whatever else is temporary. */
    temporary,
    /**
     * What of its memory is JavaScript's: the heap, and buffers outside it.
     * @returns {Promise<{ heapMb: number, buffersMb: number }>}
     */
    scriptMemory: async () => {
      const metrics = await (await fetch(`${url}/metrics`, { headers: { 'x-api-key': key } })).text();
      const megabytes = (/** @type {string} */ name) =>
        Number(new RegExp(`^${name} (\\S+)`, 'm').exec(metrics)?.[1]) / 1e6;
      return {
        heapMb: megabytes('nodejs_heap_size_total_bytes'),
        buffersMb: megabytes('nodejs_external_memory_bytes'),
      };
    },
    /** What its descriptors are of: counts by kind. */
    descriptors: () => kindsOf(pid),
    /** SIGTERM, and how it ended. */
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

/** @param {string} line */
function isQuiet(line) {
  try {
    return JSON.parse(line).level < 50;
  } catch {
    return false;
  }
}

/** @param {number} pid */
function residentOf(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1000;
}

/** Their paths. @param {string} folder */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
}

/** @param {string} folder */
function bytesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce(
      (sum, { parentPath, name }) => sum + (statSync(join(parentPath, name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
}

/** @param {number} pid */
function kindsOf(pid) {
  /** @type {Record<string, number>} */
  const kinds = {};
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    let target;
    try {
      target = readlinkSync(`/proc/${pid}/fd/${name}`);
    } catch {
      continue; // closed meanwhile
    }
    const kind = target.startsWith('/')
      ? target.startsWith('/dev/')
        ? target
        : 'file'
      : target.replace(/:?\[.*\]$/, '');
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return kinds;
}

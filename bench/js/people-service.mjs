// A service of its own that people of a folder of speech are enrolled in.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import process from 'node:process';
import { inTurn } from '../load/lanes.mjs';
import { Service } from '../reliability/service.mjs';
import { ROOT } from './machine.mjs';

const AT_ONCE = 4;

/**
 * Starts a service with an empty data folder and the key of an administrator, and ends it behind the work.
 * @template T
 * @param {Record<string, string>} settings
 * @param {(service: Service) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withService(settings, work) {
  const folder = mkdtempSync(join(tmpdir(), 'timbre-people-'));
  const dataDir = join(folder, 'data');
  const service = new Service({
    PORT: '0',
    EMBEDDING_SERVICE_PORT: 'off',
    TIMBRE_DATA_DIR: dataDir,
    TIMBRE_ENROLLMENT_SECONDS: '5',
    TIMBRE_CONSENT: 'optional',
    TIMBRE_RATE_LIMIT: '0',
    TIMBRE_CONVERSATIONS: 'off',
    TIMBRE_LOG_LEVEL: 'info',
    ...settings,
  });
  try {
    await service.ready();
    const words = ['keys', 'create', '--name', 'bench', '--scope', 'admin', '--data-dir', dataDir];
    const made = execFileSync(process.execPath, [join(ROOT, 'dist', 'cli', 'main.js'), ...words], { encoding: 'utf8' });
    // The local key may not read vectors.
    service.key = made.trim();
    return await work(service);
  } finally {
    await service.stop();
    rmSync(folder, { recursive: true });
  }
}

/** Of the service that has the model of a command line. @param {{ model: string, calibration?: string | undefined }} values */
export function modelSettings({ model, calibration }) {
  return { TIMBRE_MODEL: model, ...(calibration === undefined ? {} : { TIMBRE_CALIBRATION: resolve(calibration) }) };
}

/**
 * Enrols somebody; whether the recordings were enough.
 * @param {Service} service
 * @param {{ id: string, groups?: readonly string[] }} speaker
 * @param {readonly { name: string, bytes: Uint8Array<ArrayBuffer> }[]} recordings
 * @returns {Promise<boolean>}
 */
export async function enrol(service, speaker, recordings) {
  await service.postJson('/v1/speakers', speaker);
  await service.postForm(`/v1/speakers/${speaker.id}/enrollments`, recordings);
  const { enrollmentStatus } = await service.call(`/v1/speakers/${speaker.id}/profile`);
  return enrollmentStatus === 'Enrolled';
}

/** Recordings of a folder, each read once. @param {string} data */
export function recordingsOf(data) {
  /** @type {Map<string, { name: string, bytes: Uint8Array<ArrayBuffer> }>} */
  const read = new Map();
  return (/** @type {string} */ path) => {
    const recording = read.get(path) ?? {
      name: basename(path),
      bytes: Uint8Array.from(readFileSync(join(data, path))),
    };
    read.set(path, recording);
    return recording;
  };
}

/**
 * Work for each of these, a few at once.
 * @template T, R
 * @param {readonly T[]} items
 * @param {(item: T) => Promise<R>} work
 * @returns {Promise<R[]>} in their order
 */
export async function mapInLanes(items, work) {
  /** @type {R[]} */
  const done = [];
  await inTurn(AT_ONCE, items.length, async (i) => {
    done[i] = await work(/** @type {T} */ (items[i]));
  });
  return done;
}

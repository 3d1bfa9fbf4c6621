// What the services that are killed run, and jobs that are handed in to them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertCheckpoint, updateManifest } from '../../dist/addon/index.js';
import { ROOT } from '../js/machine.mjs';
import { PATIENT } from './patience.mjs';

/** States of a job that has not ended. */
const UNFINISHED = new Set(['queued', 'running']);

/**
 * Settings of a service with a network that takes no time, on any free port.
 * @param {string} folder where the bundle is written
 * @param {string} root of recordings that jobs name by path
 * @param {{ requiredSpeechSeconds: number, outlierCosine: number }} policy a cosine that says yes, too
 */
export async function settingsOf(folder, root, { requiredSpeechSeconds, outlierCosine }) {
  const model = join(folder, 'small.pt');
  const checkpoint = join(ROOT, 'test', 'fixtures', 'checkpoints', 'speechbrain-c16.ckpt');
  await convertCheckpoint({ checkpoint, family: 'speechbrain', id: 'small', out: model });
  const calibration = { offset: -4, scale: 10, quality: {} };
  const thresholds = [{ falseAcceptRate: 0.01, cosine: outlierCosine, llr: 1 }];
  await updateManifest(model, { calibration, thresholds }, model);
  return {
    ...PATIENT,
    PORT: '0',
    EMBEDDING_SERVICE_PORT: 'off',
    TIMBRE_MODEL: model,
    TIMBRE_ENROLLMENT_SECONDS: String(requiredSpeechSeconds),
    TIMBRE_LOG_LEVEL: 'info',
    TIMBRE_CONSENT: 'optional',
    AUDIO_ROOTS: root,
  };
}

/**
 * Items of a job by path.
 * @param {string} root where their files are written
 * @param {{ speakerId: string, recording: import('./recordings.mjs').Recording }[]} items
 */
export function pathsOf(root, items) {
  return items.map(({ speakerId, recording }) => {
    const path = join(root, recording.name);
    writeFileSync(path, recording.bytes);
    return { speakerId, path };
  });
}

/**
 * Who is in a job and with which recording, as it is looked for in the end.
 * @param {{ speakerId: string, recording: import('./recordings.mjs').Recording }[]} items
 */
export function toldOf(items) {
  return items.map(({ speakerId, recording }) => ({ speakerId, sha256: recording.sha256 }));
}

/** Of an answer of `/v1/jobs`. @param {{ jobs: { state: string }[] }} page */
export function unfinishedOf({ jobs }) {
  return jobs.filter(({ state }) => UNFINISHED.has(state));
}

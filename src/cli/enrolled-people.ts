import { TimbreError } from '../errors/timbre-error.js';
import type { EnrolledRecording } from '../evaluation/enrolled-trials.js';
import type { Cli } from './cli.js';
import { ServiceClient, type ServiceOptions } from './service-client.js';

const PAGE = 500;

/** What is passed over: who has opted out, and who was erased meanwhile. */
const PASSED_OVER = ['OPTED_OUT', 'SPEAKER_NOT_FOUND'];

/**
 * The recordings that count of everybody who is enrolled in a service, with the model that most of them are of; what was
 * learned by evidence alone is left out: it is that evidence which is to be measured. Each export is in the audit trail.
 * Errors: those of the service, INVALID_ARGUMENT where nobody is enrolled.
 */
export async function enrolledPeople(
  cli: Cli,
  options: ServiceOptions,
): Promise<{ model: string; recordings: EnrolledRecording[] }> {
  const client = new ServiceClient(cli, options);
  const speakers = await client.list('listSpeakers', { limit: PAGE }, (page) => page.speakers);
  const byModel = new Map<string, EnrolledRecording[]>();
  for (const { id } of speakers) {
    const exported = await client.call('exportSpeaker', { id, vectors: 'true' }).catch((error: unknown) => {
      if (error instanceof TimbreError && PASSED_OVER.includes(error.code)) return null;
      throw error;
    });
    for (const one of exported?.enrollments ?? []) {
      const counts = one.accepted && !one.outlier && one.setAside === null && one.origin !== 'learned';
      if (!counts || !one.embedding) continue;
      const embedding = Float32Array.from(one.embedding);
      const known = byModel.get(one.model) ?? [];
      known.push({ id: one.id, speaker: id, embedding, seconds: one.speech.seconds });
      byModel.set(one.model, known);
    }
  }
  const [most] = [...byModel].sort(([, a], [, b]) => b.length - a.length);
  if (!most)
    throw new TimbreError('INVALID_ARGUMENT', 'nobody is enrolled in this service: there is nothing to learn from');
  const [model, recordings] = most;
  return { model, recordings };
}

import { TimbreError, type TimbreClient } from '../../client/index.js';

/**
 * The recording of an enrolment, whole, as it was uploaded.
 *
 * Errors: those of the call; SERVICE_UNREACHABLE where the connection breaks on the way.
 */
export async function keptRecording(api: TimbreClient, id: string, enrollmentId: string): Promise<Blob> {
  const pieces = await api.call('getRecording', { id, enrollmentId });
  try {
    return await new Response(pieces).blob();
  } catch (cause) {
    throw new TimbreError('SERVICE_UNREACHABLE', 'the recording did not arrive whole', { cause });
  }
}

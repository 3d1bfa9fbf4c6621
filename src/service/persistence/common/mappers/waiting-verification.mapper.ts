import type { WaitingVerification, WaitingVerificationInfo } from '../../../records/waiting-verification.js';
import type { WaitingVerificationRow } from '../entities/waiting-verification.entity.js';
import type { VectorCipher } from '../vector-cipher.js';

type Content = Pick<WaitingVerification, 'contentSha256' | 'measures' | 'evidence'> & { embedding: string };

/** What the content is bound to: whose it is, by which model, and since when it waits. */
export const waitingOwner = ({
  id,
  speakerId,
  createdAt,
  model,
  frontEnd,
}: Omit<WaitingVerificationRow, 'sealed'>): string[] => [
  'waiting verification',
  speakerId,
  model,
  frontEnd,
  id,
  String(createdAt),
];

export function toWaitingRow(waiting: WaitingVerification, cipher: VectorCipher): WaitingVerificationRow {
  const { id, speakerId, origin, embedding, contentSha256, measures, evidence } = waiting;
  const row = { id, speakerId, createdAt: waiting.createdAt.getTime(), ...origin };
  const vector = Buffer.alloc(embedding.length * 4);
  embedding.forEach((x, i) => vector.writeFloatLE(x, i * 4));
  const content: Content = { contentSha256, measures, evidence, embedding: vector.toString('base64') };
  const bytes = Buffer.from(JSON.stringify(content));
  const sealed = cipher.seal(bytes, waitingOwner(row));
  for (const used of [vector, bytes]) used.fill(0);
  return { ...row, sealed };
}

export function toWaitingInfo({
  id,
  speakerId,
  createdAt,
  model,
  frontEnd,
}: Omit<WaitingVerificationRow, 'sealed'>): WaitingVerificationInfo {
  return { id, speakerId, createdAt: new Date(createdAt), origin: { model, frontEnd } };
}

/** Errors: STORAGE_INVALID where it does not open. */
export function toWaiting(row: WaitingVerificationRow, cipher: VectorCipher): WaitingVerification {
  const bytes = cipher.open(row.sealed, waitingOwner(row));
  const { embedding, ...rest } = JSON.parse(bytes.toString('utf8')) as Content;
  const vector = Buffer.from(embedding, 'base64');
  const values = Float32Array.from({ length: vector.length / 4 }, (_, i) => vector.readFloatLE(i * 4));
  for (const used of [vector, bytes]) used.fill(0);
  return { ...toWaitingInfo(row), ...rest, embedding: values };
}

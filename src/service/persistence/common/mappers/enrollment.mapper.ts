import type { Enrollment, EnrollmentInfo } from '../../../records/enrollment.js';
import type { EnrollmentRow } from '../entities/enrollment.entity.js';
import type { VectorCipher } from '../vector-cipher.js';

type Owner = Pick<EnrollmentRow, 'id' | 'speakerId' | 'model' | 'frontEnd'>;

/** What an enrolment's embedding is bound to. */
export const enrollmentOwner = ({ id, speakerId, model, frontEnd }: Owner): string[] => [
  'enrollment',
  speakerId,
  model,
  frontEnd,
  id,
];

/** Errors: STORAGE_INVALID where the embedding does not open. */
export function toEnrollment(row: EnrollmentRow, cipher: VectorCipher): Enrollment {
  return { ...toEnrollmentInfo(row), embedding: openEmbedding(row, cipher) };
}

/** Errors: STORAGE_INVALID where it does not open. */
export function openEmbedding(row: EnrollmentRow, cipher: VectorCipher): Float32Array {
  return cipher.openVector(row.embedding, enrollmentOwner(row));
}

export function toEnrollmentInfo(row: Omit<EnrollmentRow, 'embedding'>): EnrollmentInfo {
  const { id, speakerId, fileName, contentSha256, model, frontEnd, accepted, reasons, quality, kind, setAside } = row;
  const { audioSeconds, speechSeconds, sampleRate, channels, snrDb, clippedShare, bandwidthHz, levelDb } = row;
  return {
    id,
    speakerId,
    createdAt: new Date(row.createdAt),
    fileName,
    contentSha256,
    origin: { model, frontEnd },
    measures: { audioSeconds, speechSeconds, sampleRate, channels, snrDb, clippedShare, bandwidthHz, levelDb },
    verdict: { accepted, reasons, quality },
    kind: kind ?? 'enrolled',
    setAside,
  };
}

export function toEnrollmentRow(enrollment: Enrollment, cipher: VectorCipher): EnrollmentRow {
  const { id, speakerId, createdAt, fileName, contentSha256, origin, embedding, measures, verdict } = enrollment;
  const { kind, setAside } = enrollment;
  return {
    id,
    speakerId,
    createdAt: createdAt.getTime(),
    fileName,
    contentSha256,
    ...origin,
    embedding: cipher.sealVector(embedding, enrollmentOwner({ id, speakerId, ...origin })),
    ...measures,
    ...verdict,
    kind: kind === 'enrolled' ? null : kind,
    setAside,
  };
}

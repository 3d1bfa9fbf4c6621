import { EntitySchema } from 'typeorm';
import type { ExemplarKind, SetAside } from '../../../records/enrollment.js';
import type { QualityLabel, RejectionReason } from '../../../records/recording-quality.js';

export interface EnrollmentRow {
  id: string;
  speakerId: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  fileName: string | null;
  contentSha256: string;
  model: string;
  frontEnd: string;
  /** Encrypted, see `VectorCipher`. */
  embedding: Buffer;
  audioSeconds: number;
  speechSeconds: number;
  sampleRate: number;
  channels: number;
  snrDb: number | null;
  clippedShare: number;
  bandwidthHz: number;
  levelDb: number;
  accepted: boolean;
  reasons: RejectionReason[];
  quality: QualityLabel;
  /** Null: enrolled. */
  kind: Exclude<ExemplarKind, 'enrolled'> | null;
  setAside: SetAside | null;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const EnrollmentEntity = new EntitySchema<EnrollmentRow>({
  name: 'Enrollment',
  tableName: 'enrollments',
  columns: {
    id: { type: 'text', primary: true },
    speakerId: { type: 'text', name: 'speaker_id' },
    createdAt: { type: 'integer', name: 'created_at' },
    fileName: { type: 'text', name: 'file_name', nullable: true },
    contentSha256: { type: 'text', name: 'content_sha256' },
    model: { type: 'text' },
    frontEnd: { type: 'text', name: 'front_end' },
    embedding: { type: 'blob' },
    audioSeconds: { type: 'real', name: 'audio_seconds' },
    speechSeconds: { type: 'real', name: 'speech_seconds' },
    sampleRate: { type: 'integer', name: 'sample_rate' },
    channels: { type: 'integer' },
    snrDb: { type: 'real', name: 'snr_db', nullable: true },
    clippedShare: { type: 'real', name: 'clipped_share' },
    bandwidthHz: { type: 'real', name: 'bandwidth_hz' },
    levelDb: { type: 'real', name: 'level_db' },
    accepted: { type: 'boolean' },
    reasons: { type: 'simple-json' },
    quality: { type: 'text' },
    kind: { type: 'text', nullable: true },
    setAside: { type: 'text', name: 'set_aside', nullable: true },
  },
  indices: [
    {
      name: 'enrollments_of_one_file',
      columns: ['speakerId', 'model', 'frontEnd', 'contentSha256'],
      unique: true,
    },
    { name: 'enrollments_in_order', columns: ['speakerId', 'createdAt', 'id'] },
    { name: 'enrollments_by_content', columns: ['contentSha256'] },
  ],
  foreignKeys: [
    {
      name: 'enrollments_of_speaker',
      target: 'Speaker',
      columnNames: ['speakerId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
});

import { EntitySchema } from 'typeorm';
import type { EnrollmentStatus, ProfileMember } from '../../../records/profile.js';

export interface ProfileRow {
  speakerId: string;
  model: string;
  frontEnd: string;
  /** Encrypted, see `VectorCipher`. */
  centroid: Buffer | null;
  members: ProfileMember[];
  speechSeconds: number;
  cohesion: number | null;
  confidence: number;
  status: EnrollmentStatus;
  /** Milliseconds since 1970. */
  updatedAt: number;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const ProfileEntity = new EntitySchema<ProfileRow>({
  name: 'Profile',
  tableName: 'profiles',
  columns: {
    speakerId: { type: 'text', name: 'speaker_id', primary: true },
    model: { type: 'text', primary: true },
    frontEnd: { type: 'text', name: 'front_end', primary: true },
    centroid: { type: 'blob', nullable: true },
    members: { type: 'simple-json' },
    speechSeconds: { type: 'real', name: 'speech_seconds' },
    cohesion: { type: 'real', nullable: true },
    confidence: { type: 'real' },
    status: { type: 'text' },
    updatedAt: { type: 'integer', name: 'updated_at' },
  },
  indices: [{ name: 'profiles_of_model', columns: ['model', 'frontEnd', 'status', 'speakerId'] }],
  foreignKeys: [
    {
      name: 'profiles_of_speaker',
      target: 'Speaker',
      columnNames: ['speakerId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
});

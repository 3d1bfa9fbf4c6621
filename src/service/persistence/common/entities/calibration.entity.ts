import { EntitySchema } from 'typeorm';
import type { CalibrationOrigin } from '../../../records/calibration.js';

export interface CalibrationRow {
  id: string;
  version: number;
  model: string;
  source: CalibrationOrigin;
  note: string | null;
  by: string;
  /** Milliseconds since 1970, as all times. */
  createdAt: number;
  inUse: boolean;
  usedAt: number | null;
  /** The calibration as JSON, encrypted: it may have voices of a cohort in it. */
  sealed: Buffer;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const CalibrationEntity = new EntitySchema<CalibrationRow>({
  name: 'Calibration',
  tableName: 'calibrations',
  columns: {
    id: { type: 'text', primary: true },
    version: { type: 'integer' },
    model: { type: 'text' },
    source: { type: 'text' },
    note: { type: 'text', nullable: true },
    by: { type: 'text' },
    createdAt: { type: 'integer', name: 'created_at' },
    inUse: { type: 'boolean', name: 'in_use' },
    usedAt: { type: 'integer', name: 'used_at', nullable: true },
    sealed: { type: 'blob' },
  },
  indices: [
    { name: 'calibrations_by_version', columns: ['version'], unique: true },
    { name: 'calibrations_in_use', columns: ['model'], unique: true, where: '"in_use"' },
  ],
});

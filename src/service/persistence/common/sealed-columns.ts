import type { EntitySchema } from 'typeorm';
import type { BoundKind, BoundRows } from './bound-records.js';
import { CalibrationEntity } from './entities/calibration.entity.js';
import { EnrollmentEntity } from './entities/enrollment.entity.js';
import { KeptRecordingEntity } from './entities/kept-recording.entity.js';
import { ProfileEntity } from './entities/profile.entity.js';
import { VoiceShareEntity } from './entities/voice-share.entity.js';
import { WaitingVerificationEntity } from './entities/waiting-verification.entity.js';
import { calibrationOwner } from './mappers/calibration.mapper.js';
import { enrollmentOwner } from './mappers/enrollment.mapper.js';
import { recordingOwner } from './mappers/kept-recording.mapper.js';
import { profileOwner } from './mappers/profile.mapper.js';
import { shareOwner } from './mappers/unknown-voice.mapper.js';
import { waitingOwner } from './mappers/waiting-verification.mapper.js';
import type { VectorCipher } from './vector-cipher.js';

/** A column of which every row's value is under the data key by itself. */
export interface SealedColumn<Kind extends BoundKind> {
  kind: Kind;
  entity: EntitySchema<BoundRows[Kind]>;
  key: readonly TextColumn<BoundRows[Kind]>[];
  /** Null where a row has none. */
  sealed: SealedIn<BoundRows[Kind]>;
  /** What the value is bound to. */
  owner: (row: BoundRows[Kind]) => string[];
}

/** What a row has in the column, opened; null where it has nothing. Errors: STORAGE_INVALID where it does not open. */
export function openSealed<Kind extends BoundKind>(
  { sealed, owner }: Pick<SealedColumn<Kind>, 'sealed' | 'owner'>,
  row: BoundRows[Kind],
  cipher: VectorCipher,
): Buffer | null {
  const value = row[sealed] as Buffer | null;
  return value && cipher.open(value, owner(row));
}

type TextColumn<Row> = keyof { [Name in keyof Row as Row[Name] extends string ? Name : never]: true };
type SealedIn<Row> = keyof { [Name in keyof Row as Row[Name] extends Buffer | null ? Name : never]: true };

/**
 * Something of each of them, in the order in which a rotation of the data key passes them. Of kept recordings it is their
 * keys: their audio is sealed under these. Webhooks, which the register does not vouch for, are beside them
 * (`openWebhook`).
 */
export function ofSealedColumns<T>(make: <Kind extends BoundKind>(column: SealedColumn<Kind>) => T): T[] {
  const key = ['id'] as const;
  return [
    make({ kind: 'enrollment', entity: EnrollmentEntity, key, sealed: 'embedding', owner: enrollmentOwner }),
    make({
      kind: 'profile',
      entity: ProfileEntity,
      key: ['speakerId', 'model', 'frontEnd'],
      sealed: 'centroid',
      owner: profileOwner,
    }),
    make({
      kind: 'waiting-verification',
      entity: WaitingVerificationEntity,
      key,
      sealed: 'sealed',
      owner: waitingOwner,
    }),
    make({ kind: 'voice-share', entity: VoiceShareEntity, key, sealed: 'embedding', owner: shareOwner }),
    make({ kind: 'recording', entity: KeptRecordingEntity, key, sealed: 'sealedKey', owner: recordingOwner }),
    make({ kind: 'calibration', entity: CalibrationEntity, key, sealed: 'sealed', owner: calibrationOwner }),
  ];
}

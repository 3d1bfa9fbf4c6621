import { createHash } from 'node:crypto';
import type { ApiKeyRow } from './entities/api-key.entity.js';
import type { CalibrationRow } from './entities/calibration.entity.js';
import type { ConsentRow } from './entities/consent.entity.js';
import type { EnrollmentRow } from './entities/enrollment.entity.js';
import type { GroupRow } from './entities/group.entity.js';
import type { KeptRecordingRow } from './entities/kept-recording.entity.js';
import type { LedgerRow } from './entities/ledger.entity.js';
import type { ProfileRow } from './entities/profile.entity.js';
import type { SpeakerRow } from './entities/speaker.entity.js';
import type { UnknownVoiceRow } from './entities/unknown-voice.entity.js';
import type { VoiceShareRow } from './entities/voice-share.entity.js';
import type { VoiceStepRow } from './entities/voice-step.entity.js';
import type { WaitingVerificationRow } from './entities/waiting-verification.entity.js';

/** What the register vouches for. */
export interface BoundRows {
  speaker: Pick<
    SpeakerRow,
    | 'id'
    | 'subject'
    | 'name'
    | 'createdAt'
    | 'updatedAt'
    | 'version'
    | 'consent'
    | 'consentWithdrawnAt'
    | 'memberOf'
    | 'metadata'
    | 'learning'
    | 'frozenAt'
  >;
  consent: ConsentRow;
  enrollment: EnrollmentRow;
  profile: ProfileRow;
  'api-key': Omit<ApiKeyRow, 'lastUsedOn'>;
  group: Omit<GroupRow, 'members'>;
  ledger: LedgerRow;
  'waiting-verification': WaitingVerificationRow;
  'unknown-voice': UnknownVoiceRow;
  'voice-share': VoiceShareRow;
  'voice-step': VoiceStepRow;
  recording: KeptRecordingRow;
  calibration: CalibrationRow;
}

export type BoundKind = keyof BoundRows;

export const BOUND_KINDS = [
  'speaker',
  'consent',
  'enrollment',
  'profile',
  'api-key',
  'group',
  'ledger',
  'waiting-verification',
  'unknown-voice',
  'voice-share',
  'voice-step',
  'recording',
  'calibration',
] as const;

/** The one owner of all API keys; no speaker's id is empty. */
export const KEYS_OWNER = '';

/** No speaker's id begins so. */
const OF_GROUP = '/group/';

/** The owner of a group's record. */
export function groupOwner(uid: string): string {
  return OF_GROUP + uid;
}

export function isGroupOwner(owner: string): boolean {
  return owner.startsWith(OF_GROUP);
}

/** No speaker's id begins so. */
const OF_UNKNOWN_VOICE = '/unknown-voice/';

/** The owner of the records of an unknown voice. */
export function unknownVoiceOwner(id: string): string {
  return OF_UNKNOWN_VOICE + id;
}

export function isUnknownVoiceOwner(owner: string): boolean {
  return owner.startsWith(OF_UNKNOWN_VOICE);
}

/** The one owner of all calibrations; no speaker's id begins so. */
export const CALIBRATIONS_OWNER = '/calibrations';

/** Of a digest in the register: nobody finds another record of the same. */
export const DIGEST_BYTES = 24;

interface Bond<Row> {
  /** The speaker whose the record is. */
  owner: (row: Row) => string;
  /** Which it is of the owner's records of its kind. */
  id: (row: Row) => string[];
  /** Columns that are vouched for: all but those that note when something was used. */
  columns: readonly (keyof Row & string)[];
  /** Columns that came later, which are null in the records of before: these have the digest that they had. */
  later?: readonly (keyof Row & string)[];
}

const BONDS: { [Kind in BoundKind]: Bond<BoundRows[Kind]> } = {
  speaker: {
    owner: ({ id }) => id,
    id: () => [],
    columns: ['id', 'subject', 'name', 'createdAt', 'updatedAt', 'version', 'consent', 'consentWithdrawnAt'],
    later: ['memberOf', 'metadata', 'learning', 'frozenAt'],
  },
  consent: {
    owner: ({ speakerId }) => speakerId,
    id: ({ id }) => [id],
    columns: ['id', 'speakerId', 'givenBy', 'method', 'textVersion', 'givenAt', 'recordedAt', 'withdrawnAt'],
  },
  enrollment: {
    owner: ({ speakerId }) => speakerId,
    id: ({ id }) => [id],
    columns: [
      'id',
      'speakerId',
      'createdAt',
      'fileName',
      'contentSha256',
      'model',
      'frontEnd',
      'embedding',
      'audioSeconds',
      'speechSeconds',
      'sampleRate',
      'channels',
      'snrDb',
      'clippedShare',
      'bandwidthHz',
      'levelDb',
      'accepted',
      'reasons',
      'quality',
    ],
    later: ['kind', 'setAside'],
  },
  profile: {
    owner: ({ speakerId }) => speakerId,
    id: ({ model, frontEnd }) => [model, frontEnd],
    columns: [
      'speakerId',
      'model',
      'frontEnd',
      'centroid',
      'members',
      'speechSeconds',
      'cohesion',
      'confidence',
      'status',
      'updatedAt',
    ],
  },
  'api-key': {
    owner: () => KEYS_OWNER,
    id: ({ id }) => [id],
    columns: ['id', 'name', 'scopes', 'digest', 'createdAt', 'expiresAt', 'revokedAt'],
    later: ['boundTo'],
  },
  group: {
    owner: ({ uid }) => groupOwner(uid),
    id: () => [],
    columns: ['uid', 'id', 'name', 'createdAt', 'updatedAt', 'version'],
    later: ['learning', 'watchRate', 'keeping'],
  },
  ledger: {
    owner: ({ speakerId }) => speakerId,
    id: ({ id }) => [id],
    columns: [
      'id',
      'speakerId',
      'createdAt',
      'by',
      'action',
      'model',
      'frontEnd',
      'enrollmentId',
      'contentSha256',
      'changeId',
      'detail',
      'undoneAt',
      'undoneBy',
    ],
  },
  'waiting-verification': {
    owner: ({ speakerId }) => speakerId,
    id: ({ id }) => [id],
    columns: ['id', 'speakerId', 'createdAt', 'model', 'frontEnd', 'sealed'],
  },
  'unknown-voice': {
    owner: ({ id }) => unknownVoiceOwner(id),
    id: () => [],
    columns: [
      'id',
      'state',
      'createdAt',
      'updatedAt',
      'version',
      'model',
      'frontEnd',
      'speechMs',
      'shares',
      'firstHeardAt',
      'lastHeardAt',
      'speakerId',
      'mergedInto',
      'boundTo',
    ],
  },
  'voice-share': {
    owner: ({ voiceId }) => unknownVoiceOwner(voiceId),
    id: ({ id }) => [id],
    columns: [
      'id',
      'voiceId',
      'conversationId',
      'label',
      'heardAt',
      'ownSeconds',
      'intervals',
      'model',
      'frontEnd',
      'embedding',
    ],
  },
  'voice-step': {
    owner: ({ voiceId }) => unknownVoiceOwner(voiceId),
    id: ({ id }) => [id],
    columns: ['id', 'voiceId', 'otherId', 'createdAt', 'by', 'action', 'reason', 'detail', 'undoneAt', 'undoneBy'],
  },
  recording: {
    owner: ({ speakerId }) => speakerId,
    id: ({ id }) => [id],
    columns: ['id', 'speakerId', 'contentSha256', 'createdAt', 'bytes', 'sealedKey'],
  },
  calibration: {
    owner: () => CALIBRATIONS_OWNER,
    id: ({ version }) => [String(version)],
    columns: ['id', 'version', 'model', 'source', 'note', 'by', 'createdAt', 'inUse', 'usedAt', 'sealed'],
  },
};

export function ownerOf<Kind extends BoundKind>(kind: Kind, row: BoundRows[Kind]): string {
  return BONDS[kind].owner(row);
}

export function idOf<Kind extends BoundKind>(kind: Kind, row: BoundRows[Kind]): string[] {
  return BONDS[kind].id(row);
}

/** Of all that is vouched for in a row. */
export function digestOf<Kind extends BoundKind>(kind: Kind, row: BoundRows[Kind]): Buffer {
  const { columns, later = [] } = BONDS[kind];
  const values = columns.map((column) => plain(row[column]));
  const more = later.filter((column) => row[column] !== null).map((column) => [column, row[column]]);
  return digest(JSON.stringify([kind, ...values, ...more]));
}

export function digest(content: string | Buffer): Buffer {
  return createHash('sha256').update(content).digest().subarray(0, DIGEST_BYTES);
}

/** A character of two halves, or one half. */
const SURROGATE = /[\ud800-\udfff]/;

/** As the database gives it back: bytes as text, and no half of a character. */
function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('base64');
  return typeof value === 'string' && SURROGATE.test(value) ? value.replace(/\p{Surrogate}/gu, '\ufffd') : value;
}

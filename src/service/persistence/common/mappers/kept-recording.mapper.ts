import type { KeptRecording } from '../../../records/kept-recording.js';
import type { KeptRecordingRow } from '../entities/kept-recording.entity.js';
import type { VectorCipher } from '../vector-cipher.js';

type Owner = Pick<KeptRecordingRow, 'id' | 'speakerId' | 'contentSha256'>;

/** What the key of a recording's audio is bound to. */
export const recordingOwner = ({ id, speakerId, contentSha256 }: Owner): string[] => [
  'recording key',
  speakerId,
  contentSha256,
  id,
];

export function toKeptRecording({ sealedKey: _, createdAt, ...row }: KeptRecordingRow): KeptRecording {
  return { ...row, createdAt: new Date(createdAt) };
}

export function toKeptRecordingRow(recording: KeptRecording, key: Buffer, cipher: VectorCipher): KeptRecordingRow {
  const { id, speakerId, contentSha256, createdAt, bytes } = recording;
  const sealedKey = cipher.seal(key, recordingOwner(recording));
  return { id, speakerId, contentSha256, createdAt: createdAt.getTime(), bytes, sealedKey };
}

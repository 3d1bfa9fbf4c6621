import type { Speaker } from '../../speakers/speaker.js';
import type { SpeakerRow } from '../entities/speaker.entity.js';

export function toSpeaker(row: SpeakerRow): Speaker {
  return { ...row, createdAt: new Date(row.createdAt), updatedAt: new Date(row.updatedAt) };
}

export function toSpeakerRow({ id, name, createdAt, updatedAt, version }: Speaker): SpeakerRow {
  return { id, name, createdAt: createdAt.getTime(), updatedAt: updatedAt.getTime(), version };
}

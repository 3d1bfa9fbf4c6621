import { speakerNotFound, type Speaker } from './speaker.js';
import type { VoiceRecords } from './unit-of-work.js';

/** Errors: SPEAKER_NOT_FOUND. */
export async function requireSpeaker({ speakers }: Pick<VoiceRecords, 'speakers'>, id: string): Promise<Speaker> {
  const found = await speakers.find(id);
  if (!found) throw speakerNotFound(id);
  return found;
}

import { TimbreError } from '../../errors/timbre-error.js';
import type { StoredAudio } from './kept-audio.js';

export const KEEPING_SETTINGS = ['on', 'off'] as const;
export type KeepingSetting = (typeof KEEPING_SETTINGS)[number];

/** Where a setting is from. */
export type KeepingSource = 'group' | 'default';

/** Whether the audio of a speaker's enrolments is kept: one group that says `off` is enough, else what the service does. */
export function keepingOf(
  ofGroups: readonly (KeepingSetting | null)[],
  usual: boolean,
): { keeps: boolean; from: KeepingSource } {
  const said = ofGroups.filter((one) => one !== null);
  if (said.length > 0) return { keeps: !said.includes('off'), from: 'group' };
  return { keeps: usual, from: 'default' };
}

/**
 * Why the audio of a recording that was enrolled is not kept. OFF: nobody has switched it on for the speaker. PART: a channel,
 * a track or intervals of it were enrolled, and the rest may be other people. TOO_LARGE: it has more bytes than one may
 * have. NO_ROOM: all that are kept would have more than they may.
 */
export const NOT_KEPT = ['OFF', 'PART', 'TOO_LARGE', 'NO_ROOM'] as const;
export type NotKept = (typeof NOT_KEPT)[number];

/** The audio of one recording of a speaker, whichever models it was embedded by. */
export interface KeptRecording {
  /** UUID; what is on the disk has its name. */
  id: string;
  speakerId: string;
  /** SHA-256 of the bytes, hexadecimal, as of the enrolments that are of it. */
  contentSha256: string;
  createdAt: Date;
  /** Of the recording as it was uploaded. */
  bytes: number;
}

/** Place in a speaker's list: oldest first. */
export type KeptPlace = readonly [createdAt: number, id: string];

export abstract class KeptRecordingRepository {
  /** False where the speaker has the audio of this very file; nothing is changed then. */
  abstract insert(recording: KeptRecording, key: Buffer): Promise<boolean>;

  /** With what opens the audio. Errors: STORAGE_INVALID where it is not as it was written. */
  abstract find(speakerId: string, contentSha256: string): Promise<(KeptRecording & StoredAudio) | null>;

  /** Which of these files' audio is kept of a speaker. */
  abstract contents(speakerId: string): Promise<Set<string>>;

  /** Oldest first. */
  abstract page(speakerId: string, after: KeptPlace | null, limit: number): Promise<KeptRecording[]>;

  /** How many are kept of each of these speakers; who has none is left out. */
  abstract countOf(speakerIds: readonly string[]): Promise<Map<string, number>>;

  /** False where there was none. */
  abstract delete(speakerId: string, contentSha256: string): Promise<boolean>;

  /** All of a speaker's; says how many there were. */
  abstract deleteOf(speakerId: string): Promise<number>;

  /** Deletes the oldest of those kept before this time, `limit` at most, and gives them. */
  abstract trim(before: Date, limit: number): Promise<KeptRecording[]>;

  /** Ids of speakers of whom any is kept, in their order, behind one. */
  abstract speakers(after: string, limit: number): Promise<string[]>;

  /** How many speakers these are. */
  abstract countSpeakers(): Promise<number>;

  /** Of everybody; looked up, not counted. */
  abstract totals(): Promise<{ recordings: number; bytes: number }>;
}

/** How many recordings of a speaker are kept as audio. */
export async function keptOf(
  { recordings }: { recordings: KeptRecordingRepository },
  speakerId: string,
): Promise<number> {
  return (await recordings.countOf([speakerId])).get(speakerId) ?? 0;
}

/** The error for an enrolment whose audio is not there to be given. */
export function recordingNotKept(id: string): TimbreError {
  return new TimbreError(
    'RECORDING_NOT_KEPT',
    `no audio of the enrolment ${JSON.stringify(id.slice(0, 64))} is kept; docs/recordings.md says what is, and when`,
  );
}

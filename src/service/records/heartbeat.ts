import type { NoteRepository } from './note.repository.js';

const NOTE = 'heartbeat';
const DAY_MS = 24 * 3600 * 1000;

/** A clock that is further ahead of the last heartbeat than this, or further behind, is not followed. */
const FURTHEST_AHEAD_MS = 7 * DAY_MS;
const FURTHEST_BEHIND_MS = DAY_MS;

/** When the service last knew that the clock was right; null before the first time. */
export async function readHeartbeat(notes: NoteRepository): Promise<Date | null> {
  const text = await notes.read(NOTE);
  return text === null ? null : new Date(text);
}

export async function writeHeartbeat(notes: NoteRepository, now: Date): Promise<void> {
  await notes.write(NOTE, now.toISOString());
}

/** Whether the clock has left the last heartbeat by far: a jump, or a service that was off for long. */
export function hasJumped(heartbeat: Date | null, now: Date): boolean {
  if (!heartbeat) return false;
  const ahead = now.getTime() - heartbeat.getTime();
  return ahead > FURTHEST_AHEAD_MS || ahead < -FURTHEST_BEHIND_MS;
}

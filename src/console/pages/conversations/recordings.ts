/** Recordings that this page was given, by the conversation that they are: played and drawn from here, never sent again. */
const kept = new Map<string, File>();

/** Files are references: what they hold lies on the disk. */
const MOST_KEPT = 20;

export function keepRecording(conversation: string, file: File): void {
  kept.delete(conversation);
  kept.set(conversation, file);
  for (const oldest of kept.keys()) {
    if (kept.size <= MOST_KEPT) break;
    kept.delete(oldest);
  }
}

export function recordingOf(conversation: string): File | null {
  return kept.get(conversation) ?? null;
}

export function forgetRecording(conversation: string): void {
  kept.delete(conversation);
}

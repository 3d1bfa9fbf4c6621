/** What becomes of long pauses before a recording is embedded. */
export type PauseHandling = 'cut' | 'keep';

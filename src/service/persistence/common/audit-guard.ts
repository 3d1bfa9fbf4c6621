/** Name of the setting that is there while old entries are trimmed: the time before which they may go, as text. */
export const TRIMMED_BEFORE = 'audit trimmed before';

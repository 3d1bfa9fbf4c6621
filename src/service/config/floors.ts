import type { Config } from './config.js';

/** Net speech, seconds, below which nothing is done. */
export interface SpeechFloors {
  /** Of a recording that is verified or identified. */
  match: number;
  /** Of a recording that becomes part of a profile; no less than `match`. */
  update: number;
  /** Of all recordings of a speaker who counts as enrolled. */
  create: number;
}

export function floorsOf({
  minSpeechSeconds,
  minUpdateSeconds,
  enrollmentSeconds,
}: Pick<Config, 'minSpeechSeconds' | 'minUpdateSeconds' | 'enrollmentSeconds'>): SpeechFloors {
  return {
    match: minSpeechSeconds,
    update: Math.max(minSpeechSeconds, minUpdateSeconds),
    create: enrollmentSeconds,
  };
}

import { TimbreError } from '../../errors/timbre-error.js';
import type { Config } from '../config/config.js';

/** Errors: INVALID_ARGUMENT where a speaker would have more recordings than one may. */
export function requireRoom(enrolled: number, { maxEnrollments }: Config): void {
  if (enrolled <= maxEnrollments) return;
  const message = `a speaker may have ${maxEnrollments} recordings; delete some before you add more`;
  throw new TimbreError('INVALID_ARGUMENT', message);
}

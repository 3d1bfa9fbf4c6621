import { BUNDLED } from '../addon/model-path.js';

/** A published model that tells voices apart better than the one in use, and how it is got. */
export interface Recommendation {
  model: string;
  /** The command that fetches it. */
  command: string;
}

/** What tells voices apart better than the bundled model, on people whom neither was made on (docs/models.md). */
const BETTER: Recommendation = { model: 'campplus-zh-en', command: 'timbre models pull campplus-zh-en' };

/** What to pull instead of the model of this id; null where nothing better was measured. */
export function recommendedInsteadOf(id: string): Recommendation | null {
  return id === BUNDLED ? BETTER : null;
}

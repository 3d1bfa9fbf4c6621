import { Voices1764000000000 } from './1764000000000-voices.js';

/** In the order they run. A migration that was released never changes. */
export const MIGRATIONS = [Voices1764000000000];

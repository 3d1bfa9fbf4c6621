import { Tables1765000000000 } from './1765000000000-tables.js';
import { Recordings1765100000000 } from './1765100000000-recordings.js';
import { ReEmbedding1765110000000 } from './1765110000000-re-embedding.js';

/** In the order they run. A migration that was released never changes. */
export const POSTGRES_MIGRATIONS = [Tables1765000000000, Recordings1765100000000, ReEmbedding1765110000000];

import { Tables1765000000000 } from './1765000000000-tables.js';
import { UnknownVoices1765100000000 } from './1765100000000-unknown-voices.js';
import { Recordings1765120000000 } from './1765120000000-recordings.js';
import { ReEmbedding1765130000000 } from './1765130000000-re-embedding.js';
import { RecordingAge1765140000000 } from './1765140000000-recording-age.js';
import { SignIns1765150000000 } from './1765150000000-sign-ins.js';
import { Calibrations1765160000000 } from './1765160000000-calibrations.js';

/**
 * In the order they run. A migration that was released never changes. While it runs, and after it, nodes of the version before may be at
 * work: it only adds, and what it adds asks nothing of who does not know it (a column has a default or may be null, a trigger writes what
 * is new). One that cannot is `NEEDED`, and nodes of older versions are kept out.
 */
export const POSTGRES_MIGRATIONS = [
  Tables1765000000000,
  UnknownVoices1765100000000,
  Recordings1765120000000,
  ReEmbedding1765130000000,
  RecordingAge1765140000000,
  SignIns1765150000000,
  Calibrations1765160000000,
];

/** The last migration that took something away, or gave it another meaning: who does not know it cannot go on. */
export const NEEDED = Tables1765000000000.name;

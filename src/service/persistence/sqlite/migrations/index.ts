import { Voices1764000000000 } from './1764000000000-voices.js';
import { Jobs1764100000000 } from './1764100000000-jobs.js';
import { Access1764200000000 } from './1764200000000-access.js';
import { Privacy1764300000000 } from './1764300000000-privacy.js';
import { Consents1764400000000 } from './1764400000000-consents.js';
import { Changes1764500000000 } from './1764500000000-changes.js';
import { Retention1764600000000 } from './1764600000000-retention.js';
import { Work1764700000000 } from './1764700000000-work.js';
import { Register1764800000000 } from './1764800000000-register.js';
import { Lists1764850000000 } from './1764850000000-lists.js';
import { Webhooks1764880000000 } from './1764880000000-webhooks.js';
import { Groups1764900000000 } from './1764900000000-groups.js';
import { Conversations1764920000000 } from './1764920000000-conversations.js';
import { Ledger1764940000000 } from './1764940000000-ledger.js';
import { Names1764960000000 } from './1764960000000-names.js';
import { Watch1764980000000 } from './1764980000000-watch.js';
import { UnknownVoices1765100000000 } from './1765100000000-unknown-voices.js';
import { Recordings1765120000000 } from './1765120000000-recordings.js';
import { ReEmbedding1765130000000 } from './1765130000000-re-embedding.js';
import { RecordingAge1765140000000 } from './1765140000000-recording-age.js';
import { Calibrations1765160000000 } from './1765160000000-calibrations.js';

/** In the order they run. A migration that was released never changes. */
export const MIGRATIONS = [
  Voices1764000000000,
  Jobs1764100000000,
  Access1764200000000,
  Privacy1764300000000,
  Consents1764400000000,
  Changes1764500000000,
  Retention1764600000000,
  Work1764700000000,
  Register1764800000000,
  Lists1764850000000,
  Webhooks1764880000000,
  Groups1764900000000,
  Conversations1764920000000,
  Ledger1764940000000,
  Names1764960000000,
  Watch1764980000000,
  UnknownVoices1765100000000,
  Recordings1765120000000,
  ReEmbedding1765130000000,
  RecordingAge1765140000000,
  Calibrations1765160000000,
];

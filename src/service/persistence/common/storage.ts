import type { KeyStore } from '../../access/key-store.js';
import type { Limiter } from '../../access/limiter.js';
import type { Sessions } from '../../access/sessions.js';
import type { ChangeFeed } from '../../records/change-feed.js';
import type { JobQueue } from '../../records/job-queue.js';
import type { KeptAudio } from '../../records/kept-audio.js';
import type { Leader } from '../../records/leader.js';
import type { Maintenance } from '../../records/maintenance.js';
import type { UnitOfWork } from '../../records/unit-of-work.js';
import type { VectorDatabase } from '../../voices/vector-database.js';
import type { Store } from './store.js';
import type { TypeOrmDataKeys } from './typeorm-data-keys.js';

/** Every port of a database that is open. */
export interface Storage {
  store: Store;
  unitOfWork: UnitOfWork;
  maintenance: Maintenance;
  changeFeed: ChangeFeed;
  jobQueue: JobQueue;
  keptAudio: KeptAudio;
  leader: Leader;
  /** Of requests, within `WINDOW_SECONDS`. */
  limiter: Limiter;
  keyStore: KeyStore;
  sessions: Sessions;
  dataKeys: TypeOrmDataKeys;
  /** Null: each node searches voices in its own memory. */
  vectorDatabase: VectorDatabase | null;
  /** After the last call. */
  close(): Promise<void>;
}

import type { EntityManager } from 'typeorm';
import type { Bell } from '../../../support/bell.js';
import type { KeyProvider } from '../../data-keys/key-provider.js';
import type { Register } from './register.js';
import type { VectorCipher } from './vector-cipher.js';

/** A reading that sees one moment for as long as it is open. */
export interface StoreSnapshot {
  read: <T>(work: (manager: EntityManager) => Promise<T>) => Promise<T>;
  close: () => Promise<void>;
}

/**
 * A database that is open: what the adapters here share of SQLite and PostgreSQL. Errors of every call: those of the
 * storage, and what `work` throws; STORAGE_UNAVAILABLE too where its turn does not come in time, and nothing was done then.
 */
export abstract class Store {
  abstract readonly cipher: VectorCipher;
  abstract readonly keys: KeyProvider;
  abstract readonly register: Register;
  /** Rings after every transaction that may have appended to the feed of changes. */
  abstract readonly committed: Bell;

  /** All of it or nothing; no other that writes runs meanwhile. What is bound in it, the register vouches for. */
  abstract transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T>;

  /** The same without the register: what is written is vouched for by nothing. */
  abstract query<T>(work: (manager: EntityManager) => Promise<T>): Promise<T>;

  /** For what only reads, as it is at one moment. */
  abstract read<T>(work: (manager: EntityManager) => Promise<T>): Promise<T>;

  /**
   * The same for what mostly takes one statement, which sees one moment by itself. `work` may run twice: it does nothing but
   * read.
   */
  readOne<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.read(work);
  }

  /** Errors: OVERLOADED where too many are open. */
  abstract snapshot(): Promise<StoreSnapshot>;

  /** To be called in a transaction that seals anew what the tables have sealed, and changes nothing else. */
  async resealing(_manager: EntityManager): Promise<void> {
    // Mostly nobody has to know.
  }

  /** Seals anew what this database alone has under the data key. */
  async resealOwn(_manager: EntityManager): Promise<void> {
    // Mostly it has nothing.
  }

  /** Removes what can be removed at once of what was deleted or re-encrypted. False where it was prevented. */
  abstract wipe(): Promise<boolean>;

  /** Writes the mark of the epoch anew, under the key that seals now. Errors: STORAGE_UNAVAILABLE. */
  abstract markEpoch(): Promise<void>;
}

import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { Bell } from '../../../support/bell.js';
import type { KeyProvider } from '../../data-keys/key-provider.js';
import { proveKey, readKeyCheck, writeKeyCheck } from '../common/key-check.js';
import { requireInUse, requireWhole } from '../common/move-marks.js';
import { epochFileOf, keyProviderOf, type Places } from '../common/places.js';
import { Store } from '../common/store.js';
import {
  CHECKPOINT_PAGES,
  checkOrigin,
  DATABASE_FILE,
  makeFile,
  makeFolder,
  setUp,
  sourceOf,
} from './database-file.js';
import { ENTITIES } from '../common/entities/index.js';
import { Epoch, FileEpochProvider } from '../common/epoch.js';
import { FolderLock } from './folder-lock.js';
import { LogFrames } from './log-frames.js';
import { canWipePages, PageWiping } from './page-wiping.js';
import { Register, type Head } from '../common/register.js';
import { settleRegister } from '../common/settle-register.js';
import { sealRecords } from './seal-records.js';
import { SideConnection } from './side-connection.js';
import { SQLITE } from './sqlite.js';
import { sqliteCode, toStorageError } from './storage-errors.js';
import { forgetTraces, hasTraces } from '../common/traces.js';
import { VectorCipher } from '../common/vector-cipher.js';

export { DATABASE_FILE };

/** The folder holds the database and its lock too; it is made where it is missing. */
export interface DatabaseOptions extends Places {
  /** Goes on with a database that was put back, from now on, and writes that down. Default false. */
  acknowledgeRestore?: boolean | undefined;
  /** How long a call waits for other programs that hold the database. Default 5,000. */
  busyTimeoutMs?: number | undefined;
  /** How long a call waits for its turn before it is refused; it has not begun then. Default 10,000. */
  waitMs?: number | undefined;
  /** How long erasures gather before their traces are wiped from the file. Default 10,000. */
  rewriteAfterMs?: number | undefined;
  /**
   * Whether traces are wiped page by page, which holds nobody up, or by writing the whole file anew. Default: page by page
   * where SQLite was compiled for it.
   */
  wipes?: 'pages' | 'file' | undefined;
}

/** Snapshots open at once: each is a connection, and keeps the write-ahead log from being emptied. */
const MOST_SNAPSHOTS = 4;

const WAIT_MS = 10_000;
const REWRITE_AFTER_MS = 10_000;
const REWRITE_RETRY_MS = 60_000;
/** How long a step of the wiping waits for another program that writes, before it lets everybody else go first. */
const STEP_WAIT_MS = 50;
const MOST_REST_MS = 1000;
const CHECKPOINT_WAIT_MS = 50;
const CHECKPOINT_RETRY_MS = 1000;

/**
 * One SQLite file behind one connection. Work runs strictly one after the other: TypeORM's transactions on SQLite share
 * their connection, so that statements of two at once would mix.
 */
export class Database extends Store {
  private last: Promise<unknown> = Promise.resolve();
  private closed = false;
  /** Deleted rows may still be readable in the write-ahead log. */
  private traces = false;
  private rewriting: NodeJS.Timeout | undefined;
  /** There while pages are wiped, a step after the other. */
  private pages: PageWiping | undefined;
  private wiping: Promise<void> | undefined;
  /** There while the file is written anew. */
  private reader: SideConnection | undefined;
  /** Reads on it. */
  private readonly reads = new Set<Promise<unknown>>();
  /** Reads that wait for their turn, or for it. */
  private readonly waiting = new Set<(reader: SideConnection) => void>();
  private readonly snapshots = new Set<SideConnection>();
  /** Those open, and those that are being opened. */
  private snapshotsTaken = 0;
  /** Removes files that deleted rows have named. */
  private removeFiles: () => Promise<void> = () => Promise.resolve();
  private readonly logger = new Logger('Database');
  /** Rings after every transaction. */
  readonly committed = new Bell();

  private constructor(
    private readonly folder: string,
    private readonly source: DataSource,
    private readonly lock: FolderLock,
    readonly cipher: VectorCipher,
    readonly keys: KeyProvider,
    readonly register: Register,
    private readonly epoch: Epoch,
    /** Tells databases under one key apart. */
    readonly id: string,
    private readonly waitMs: number,
    private readonly rewriteAfterMs: number,
    private readonly wipesPages: boolean,
  ) {
    super();
  }

  /**
   * Locks the folder, checks that the file is a Timbre database of a version and key that fit, and only then brings
   * its tables up to date. Errors: STORAGE_UNAVAILABLE, STORAGE_FULL, STORAGE_INVALID, STORAGE_ROLLED_BACK, STORAGE_UNFINISHED and
   * STORAGE_MOVED; nothing was changed then.
   */
  static async open(options: DatabaseOptions): Promise<Database> {
    const folder = resolve(options.folder);
    const file = join(folder, DATABASE_FILE);
    await makeFolder(folder);
    const lock = await FolderLock.take(join(folder, `${DATABASE_FILE}.lock`));
    const source = sourceOf(file, options.busyTimeoutMs);
    try {
      await makeFile(file);
      await source.initialize();
      const { acknowledgeRestore = false } = options;
      const fresh = await checkOrigin(source, file);
      if (!fresh) await (acknowledgeRestore ? requireWhole : requireInUse)(source.manager, file);
      const check = fresh ? null : await readKeyCheck(source.manager);
      const keys = keyProviderOf(options);
      const cipher = new VectorCipher(...(await keys.load(check === null)));
      if (check) proveKey(cipher, check, file);
      const register = new Register(cipher);
      const provider = new FileEpochProvider(epochFileOf(options));
      const epoch = new Epoch(provider, cipher);
      const mark = acknowledgeRestore ? await epoch.readIfOfThisKey() : await epoch.read();
      if (!acknowledgeRestore) epoch.require(await headBefore(source, register), mark);
      await setUp(source);
      await source.runMigrations();
      if (!check) await writeKeyCheck(source.manager, cipher);
      const transaction = <T>(work: (manager: EntityManager) => Promise<T>): Promise<T> =>
        source.transaction((manager) => register.within(manager, () => work(manager)));
      const head = await settleRegister(
        { transaction, manager: source.manager, register, epoch },
        {
          sealing: { table: 'speaker', after: 0 },
          seal: () => sealRecords(transaction, register),
          restored: acknowledgeRestore ? { mark } : null,
        },
      );
      const { waitMs = WAIT_MS, rewriteAfterMs = REWRITE_AFTER_MS } = options;
      const able = await canWipePages(source.manager);
      const wipesPages = options.wipes === undefined ? able : options.wipes === 'pages';
      const database = new Database(
        folder,
        source,
        lock,
        cipher,
        keys,
        register,
        epoch,
        head.database,
        waitMs,
        rewriteAfterMs,
        wipesPages,
      );
      // A crash may have come between an erasure and its wipe.
      await database.wipe();
      return database;
    } catch (error) {
      if (source.isInitialized) await source.destroy();
      await lock.release();
      throw toStorageError(error);
    }
  }

  /**
   * Errors: those of the storage, and what `work` throws; STORAGE_UNAVAILABLE too where its turn does not come in time, as
   * with the two below.
   */
  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.inTime(async () => {
      const { manager } = this.source;
      await this.begin();
      let result: T;
      let counted: number | undefined;
      try {
        result = await this.register.within(manager, () => work(manager), {
          counted: (counter) => (counted = counter),
        });
        await manager.query('COMMIT');
      } catch (error) {
        await this.rollBack();
        throw error;
      }
      if (counted !== undefined) this.epoch.note(this.id, counted);
      this.committed.ring();
      return result;
    });
  }

  /** Errors: those of the storage, and what `work` throws. */
  query<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.inTime(() => work(this.source.manager));
  }

  /** As `query`, for what only reads: it does not wait while the file is written anew. */
  read<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    if (this.reader) return this.readAside(this.reader, work);
    return new Promise<T>((resolve, reject) => {
      const aside = (reader: SideConnection): void => void this.readAside(reader, work).then(resolve, reject);
      this.waiting.add(aside);
      this.inTime(async () => {
        if (this.waiting.delete(aside)) resolve(await work(this.source.manager));
      })
        .finally(() => this.waiting.delete(aside))
        .catch(reject);
    });
  }

  /**
   * What is there as it is at one moment, on a connection of its own that only reads. Errors: OVERLOADED where too many are
   * open, those of the storage.
   */
  async snapshot(): Promise<{
    read: <T>(work: (manager: EntityManager) => Promise<T>) => Promise<T>;
    close: () => Promise<void>;
  }> {
    if (this.snapshotsTaken >= MOST_SNAPSHOTS) {
      const message = `${this.snapshotsTaken} long readings are under way, and no more are let in; try again later`;
      throw new TimbreError('OVERLOADED', message, { retryAfterSeconds: 5 });
    }
    this.snapshotsTaken++;
    try {
      const connection = await SideConnection.open(this.folder, { needs: [], readOnly: true });
      if (!connection) throw new Error('the database that is open is not there');
      this.snapshots.add(connection);
      const close = async (): Promise<void> => {
        if (!this.snapshots.delete(connection)) return;
        this.snapshotsTaken--;
        await connection.close();
      };
      try {
        await connection.hold();
      } catch (error) {
        await close();
        throw error;
      }
      return { read: (work) => connection.query(work), close };
    } catch (error) {
      if (this.snapshots.size < this.snapshotsTaken) this.snapshotsTaken--;
      throw error;
    }
  }

  /**
   * Moves the write-ahead log into the database and empties it, so that nothing that was deleted can be read in either.
   * Another program that reads at this moment can prevent it; `close` and the next call try again, and so does the
   * rewriting of the file, which follows a little later where something was erased. False where it was prevented.
   */
  async wipe(): Promise<boolean> {
    this.traces = true;
    const removed = await this.removeFiles().then(
      () => true,
      (error: unknown) => {
        this.logger.warn({ err: error, msg: 'files of what was erased could not be removed yet; trying again' });
        return false;
      },
    );
    return this.alone(async () => {
      await this.checkpoint();
      if (await hasTraces(this.source.manager)) this.rewriteSoon(this.rewriteAfterMs);
      return removed && !this.traces;
    });
  }

  /** Says how files go that deleted rows have named: before the rows count as wiped. */
  removeFilesWith(remove: () => Promise<void>): void {
    this.removeFiles = remove;
  }

  /** Writes the mark of the epoch anew, under the key that seals now. Errors: STORAGE_UNAVAILABLE. */
  markEpoch(): Promise<void> {
    return this.alone(async () => this.epoch.write(await this.register.head(this.source.manager)));
  }

  /**
   * Wipes what erased rows have left in unused parts of the file. Page by page others come in between; where SQLite was not
   * compiled for that, the file is written anew, and what writes waits meanwhile. Errors: those of the storage,
   * STORAGE_UNAVAILABLE where a reader keeps the write-ahead log from being emptied.
   */
  rewrite(): Promise<void> {
    // One that is under way ends with nothing left of what was erased until then.
    this.wiping ??= (this.wipesPages ? this.wipePages() : this.alone(() => this.rewriteNow())).finally(
      () => (this.wiping = undefined),
    );
    return this.wiping;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    // What is left then is told below.
    await this.removeFiles().catch(() => undefined);
    await this.alone(async () => {
      this.closed = true;
      await Promise.all(Array.from(this.snapshots, (snapshot) => snapshot.close()));
      clearTimeout(this.rewriting);
      try {
        if (this.traces) await this.checkpoint();
        if (this.wipesPages) await this.wipePagesNow();
        else await this.rewriteNow();
      } catch (error) {
        // The next start does it.
        this.logger.warn({ err: error, msg: 'traces of what was erased could not be removed yet' });
      }
      try {
        await this.epoch.flush();
      } catch (error) {
        // A mark that is behind is no harm.
        this.logger.warn({ err: error, msg: 'the epoch file could not be written' });
      } finally {
        await this.source.destroy();
        await this.lock.release();
      }
    });
  }

  private async wipePages(): Promise<void> {
    try {
      let state = await this.alone(() => this.beginWiping());
      while (state !== 'done') {
        const began = performance.now();
        state = await this.alone(() => this.wipeStep());
        // As long as it took: half of the database's time is everybody else's.
        if (state !== 'done') await delay(Math.min(performance.now() - began, MOST_REST_MS));
      }
    } finally {
      await this.endWiping();
    }
  }

  private async wipePagesNow(): Promise<void> {
    this.pages = undefined;
    try {
      // Who waits for nothing else waits for another program as everything does.
      const begin = (): Promise<boolean> => this.begin().then(() => true);
      for (let state = await this.beginWiping(); state !== 'done'; state = await this.wipeStep(begin));
    } finally {
      await this.endWiping();
    }
  }

  private async beginWiping(): Promise<'begun' | 'done'> {
    const { manager } = this.source;
    if (!(await hasTraces(manager))) return 'done';
    if (this.snapshots.size > 0) throw logInUse();
    const [{ page_size: bytes }] = await manager.query<[{ page_size: number }]>('PRAGMA page_size');
    this.pages = new PageWiping(manager, new LogFrames(join(this.folder, `${DATABASE_FILE}-wal`), bytes));
    // The log begins anew only after it was looked at.
    await manager.query('PRAGMA wal_autocheckpoint = 0');
    return 'begun';
  }

  private async wipeStep(begin = () => this.beginAtOnce()): Promise<'begun' | 'done'> {
    const { pages } = this;
    if (!pages) throw new Error('no wiping of pages was begun');
    if (!(await begin())) return 'begun';
    let isLast: boolean;
    try {
      isLast = await pages.step();
      await this.source.query('COMMIT');
    } catch (error) {
      await this.rollBack();
      throw error;
    }
    await pages.committed();
    if (!isLast) return 'begun';
    await this.traceless();
    return 'done';
  }

  private async endWiping(): Promise<void> {
    this.pages = undefined;
    if (this.source.isInitialized) await this.source.query(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  }

  /** Where nobody erases meanwhile, and nothing of what was erased is left in the file beside its log. */
  private async traceless(): Promise<void> {
    const { manager } = this.source;
    await this.checkpoint();
    if (this.traces) throw logInUse();
    const [left] = await manager.query<unknown[]>('SELECT 1 FROM deleted_recordings LIMIT 1');
    if (left) throw new TimbreError('STORAGE_UNAVAILABLE', 'files of deleted recordings are still to be removed');
    await manager.query('UPDATE receipts SET wiped_at = ? WHERE wiped_at IS NULL', [Date.now()]);
    await forgetTraces(manager);
  }

  private async rewriteNow(): Promise<void> {
    const { manager } = this.source;
    if (!(await hasTraces(manager))) return;
    if (this.snapshots.size > 0) throw logInUse();
    const reader = await SideConnection.open(this.folder, { needs: [], readOnly: true });
    if (!reader) throw new Error('the database that is open is not there');
    this.reader = reader;
    for (const aside of this.waiting) aside(reader);
    this.waiting.clear();
    try {
      await vacuum(manager, this.folder);
    } finally {
      this.reader = undefined;
      // None sees what is older than the next write, or keeps the write-ahead log from being emptied.
      await Promise.allSettled(this.reads);
      await reader.close();
    }
    await this.traceless();
  }

  private async readAside<T>(reader: SideConnection, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const reading = reader.query(work);
    this.reads.add(reading);
    try {
      return await reading;
    } finally {
      this.reads.delete(reading);
    }
  }

  private rewriteSoon(milliseconds: number): void {
    if (this.closed) return;
    this.rewriting ??= setTimeout(() => {
      this.rewriting = undefined;
      const rewritten = this.removeFiles().then(() => this.rewrite());
      rewritten.catch((error: unknown) => {
        if (this.closed) return;
        this.logger.warn({ err: error, msg: 'traces of what was erased could not be removed; trying again' });
        this.rewriteSoon(REWRITE_RETRY_MS);
      });
    }, milliseconds).unref();
  }

  private async checkpoint(): Promise<void> {
    await this.pages?.look();
    this.traces = this.snapshots.size > 0 || !(await this.emptyLog());
    if (this.traces) this.checkpointSoon();
  }

  /** False where another program reads it: nobody waits here for that to end. */
  private emptyLog(): Promise<boolean> {
    return this.waitingFor(CHECKPOINT_WAIT_MS, async () => {
      const [{ busy }] = await this.source.query<[{ busy: number }]>('PRAGMA wal_checkpoint(TRUNCATE)');
      return busy === 0;
    });
  }

  /** `begin`, unless another program writes just now: false then. */
  private async beginAtOnce(): Promise<boolean> {
    try {
      await this.waitingFor(STEP_WAIT_MS, () => this.begin());
      return true;
    } catch (error) {
      if (sqliteCode(error) !== 'SQLITE_BUSY') throw error;
      return false;
    }
  }

  /** Does something that waits so long for other programs. */
  private async waitingFor<T>(milliseconds: number, work: () => Promise<T>): Promise<T> {
    const [{ timeout }] = await this.source.query<[{ timeout: number }]>('PRAGMA busy_timeout');
    await this.source.query(`PRAGMA busy_timeout = ${milliseconds}`);
    try {
      return await work();
    } finally {
      await this.source.query(`PRAGMA busy_timeout = ${timeout}`);
    }
  }

  /** Tries `wipe` again in a moment, until it is done. */
  wipeLater(): void {
    this.traces = true;
    this.checkpointSoon();
  }

  private checkpointSoon(): void {
    setTimeout(() => {
      if (this.traces && !this.closed) this.wipe().catch(() => this.checkpointSoon());
    }, CHECKPOINT_RETRY_MS).unref();
  }

  /** `alone`, unless its turn does not come in time. */
  private inTime<T>(work: () => Promise<T>): Promise<T> {
    let late = false;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        late = true;
        reject(tooBusy(this.waitMs));
      }, this.waitMs);
      this.alone(async () => {
        clearTimeout(timer);
        if (!late) resolve(await work());
      })
        .finally(() => clearTimeout(timer))
        .catch(reject);
    });
  }

  /** For what the database does for itself. */
  private alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.last.then(async () => {
      if (this.closed) throw new TimbreError('STORAGE_UNAVAILABLE', 'the database is closed');
      try {
        return await work();
      } catch (error) {
        throw toStorageError(error);
      }
    });
    this.last = run.catch(() => undefined);
    return run;
  }

  /** Takes the write lock at once: a transaction that reads first could not wait for it later. */
  private async begin(): Promise<void> {
    const { manager } = this.source;
    try {
      await manager.query('BEGIN IMMEDIATE');
    } catch (error) {
      if (!/within a transaction/.test(String(error))) throw error;
      await manager.query('ROLLBACK');
      await manager.query('BEGIN IMMEDIATE');
    }
  }

  private async rollBack(): Promise<void> {
    try {
      await this.source.manager.query('ROLLBACK');
    } catch {
      // SQLite rolled back by itself (full disk, failed read), or `begin` will see that it did not.
    }
  }
}

/** The schema that the entities describe but the migrations have not made, as SQL; empty where they agree. */
export async function schemaDifference(file: string): Promise<string[]> {
  const source = await new DataSource({
    type: 'sqlite',
    driver: SQLITE,
    database: file,
    entities: ENTITIES,
  }).initialize();
  try {
    const { upQueries } = await source.driver.createSchemaBuilder().log();
    return upQueries.map(({ query }) => query);
  } finally {
    await source.destroy();
  }
}

function tooBusy(waitMs: number): TimbreError {
  const message = `the database was busy for ${waitMs / 1000} s, and nothing of this call was done; try again`;
  return new TimbreError('STORAGE_UNAVAILABLE', message, { retryAfterSeconds: 1 });
}

function logInUse(): TimbreError {
  const message = 'somebody reads the database and keeps its write-ahead log from being emptied; try again';
  return new TimbreError('STORAGE_UNAVAILABLE', message);
}

/** Before any table is made or changed. */
async function headBefore(source: DataSource, register: Register): Promise<Head | null> {
  const [table] = await source.query<unknown[]>(`SELECT 1 FROM sqlite_master WHERE name = 'register'`);
  return table ? register.headIfAny(source.manager) : null;
}

/**
 * Writes the file anew. That needs room aside, which a read-only system may have in the database's folder alone; who has
 * set SQLite's own variable has said where. The setting is one of the process, and goes when the work is done.
 */
async function vacuum(manager: EntityManager, folder: string): Promise<void> {
  const aside = process.env['SQLITE_TMPDIR'] === undefined ? folder : '';
  await manager.query(`PRAGMA temp_store_directory = '${aside.replaceAll("'", "''")}'`);
  try {
    await manager.query('VACUUM');
  } finally {
    await manager.query("PRAGMA temp_store_directory = ''");
  }
}

import { createHash, randomUUID } from 'node:crypto';
import { MoreThan, type DataSource, type EntityManager } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { compareTables, type ComparedVectors } from './compare-tables.js';
import {
  bytesOf,
  copiedTables,
  countRows,
  emptied,
  insertCopied,
  keyOf,
  readCopied,
  referCopied,
  refersToItself,
  type CopiedRow,
  type CopiedTable,
} from './copied-tables.js';
import { ask } from './dialect.js';
import type { Epoch } from './epoch.js';
import { KeptRecordingEntity } from './entities/kept-recording.entity.js';
import { SettingEntity } from './entities/setting.entity.js';
import {
  movedAway,
  MOVE_MARKS,
  readMoveMark,
  removeMoveMark,
  writeMoveMark,
  type Copying,
  type SourceState,
} from './move-marks.js';
import type { Head, Register } from './register.js';
import { placeOfPiece, piecesOf, type SealedPieces } from './sealed-audio.js';
import { TypeOrmAuditRepository } from './repositories/typeorm-audit.repository.js';
import type { VectorCipher } from './vector-cipher.js';

/** Bytes of a transaction, roughly, and rows at most. */
const BATCH_BYTES = 1 << 20;
const MOST_ROWS = 512;
const FIRST_ROWS = 64;

/** Kept recordings looked up at once. */
const RECORDINGS = 200;

/** A database that takes part in a move; no service has it open, and none may open it meanwhile. Errors of every call: those of the storage. */
interface MoveEnd {
  /** For people: no user and no password. */
  readonly place: string;
  /** What an operator types to remove it. */
  readonly removal: string;
  /** The setting that holds the id of the data folder's local key. */
  readonly localKey: string;
  readonly source: DataSource;
  /** The sealed audio of kept recordings. `database`: its id. */
  audio(database: string): SealedPieces;
  close(): Promise<void>;
}

/** Where the data is. */
export interface MoveSource extends MoveEnd {
  /** Reads, all of them of one moment, which is that of `leave` too. */
  read<T>(work: (manager: EntityManager) => Promise<T>): Promise<T>;

  /** Writes the last thing that is written here, and ends the moment. */
  leave(work: (manager: EntityManager) => Promise<void>): Promise<void>;

  /** Recordings of jobs whose uploads lie in the folders of others, by node. */
  uploadsElsewhere(): Promise<{ node: string; recordings: number }[]>;
}

/** Where it is to be. */
export interface MoveTarget extends MoveEnd {
  /** Nothing was ever stored there. */
  readonly isEmpty: boolean;

  read<T>(work: (manager: EntityManager) => Promise<T>): Promise<T>;
  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T>;

  /** Numbers that the database gives go on behind the rows that were copied. In a transaction. */
  continueNumbers(manager: EntityManager): Promise<void>;

  /** What a move from this source leaves to be done here at the first start. In a transaction. */
  prepare(manager: EntityManager): Promise<void>;
}

/** An error of the database, which says of which of the two. */
export function ofPlace(place: string, error: unknown, toStorageError: (error: unknown) => unknown): unknown {
  if (error instanceof TimbreError) return error;
  const known = toStorageError(error);
  if (!(known instanceof TimbreError)) return known;
  return new TimbreError(known.code, `${place}: ${known.message}`, { cause: error });
}

/** What both databases hang on: they are under the same keys. */
interface Trust {
  cipher: VectorCipher;
  register: Register;
}

/** A source that is open, and what vouches for its data. */
export interface OpenSource extends Trust {
  source: MoveSource;
  /** Of the data folder. */
  epoch: Epoch;
}

/** Whether nothing was ever stored: tables are there, and none has a row. */
export async function isUntouched(manager: EntityManager, tables: readonly CopiedTable[]): Promise<boolean> {
  for (const { name } of tables) {
    if ((await ask(manager, `SELECT 1 FROM "${name}" LIMIT 1`)).length > 0) return false;
  }
  return true;
}

/** What has just become durable. */
export type MoveStep = 'begun' | 'batch' | 'audio' | 'copied' | 'compared' | 'left' | 'arrived';

export interface MoveOptions {
  /** Stops between two batches. */
  signal?: AbortSignal;
  /** Called with the rows of the source, those that are there already, and whether this goes on with a copy of before. */
  begun?: (total: number, done: number, resumed: boolean) => void;
  /** Called with the rows that are copied so far, and then with those that are compared. */
  copied?: (rows: number) => void;
  compared?: (rows: number) => void;
  /** Called with the kept recordings whose audio is copied and compared so far, and how many there are. */
  audioCopied?: (recordings: number, total: number) => void;
  /** Called after every step; what it throws ends the move there. */
  reached?: (step: MoveStep) => void | Promise<void>;
}

export interface MoveReport {
  from: string;
  to: string;
  /** What an operator types to remove the source. */
  removal: string;
  /** Rows of each table, the same in both databases. */
  tables: Record<string, number>;
  rows: number;
  /** Vectors that were opened with the data key in both databases, and were the same. */
  vectors: number;
  /** Those looked at that open in neither, as `timbre doctor --data-dir` tells of the source. */
  unreadableVectors: number;
  /** Kept recordings whose audio is the same in both. */
  recordings: number;
  /** Of kept recordings, those whose audio the source does not have either. */
  missingRecordings: number;
  /** Whether an earlier run had begun. */
  resumed: boolean;
  /** Whether an earlier run had done everything. */
  alreadyMoved: boolean;
  /** Recordings of jobs that wait, whose uploads lie in the data folders of other nodes. */
  uploadsElsewhere: { node: string; recordings: number }[];
}

/**
 * Copies everything, row by row as it is, compares every row of both, and then lets services open the target and no longer
 * the source, which is left as it was but for a setting that says so. Cut off at any moment, it goes on where it was.
 *
 * Nothing is sealed anew: vectors, macs of the trail and the register are the bytes that they were, so that the target is
 * vouched for as the source is, and what is not as it was written there is not here either. The end of the move alone
 * is written with the key: one entry of the trail, which moves the register's counter on.
 *
 * Gives the head of the target, for the mark of its epoch. Errors: STORAGE_NOT_EMPTY, STORAGE_MOVED, STORAGE_INVALID where the
 * target is not what the source is; ABORTED; those of the storage.
 */
export async function moveData(
  source: MoveSource,
  target: MoveTarget,
  trust: Trust,
  options: MoveOptions = {},
): Promise<{ report: MoveReport; head: Head }> {
  return new Move(source, target, trust, options).run();
}

class Move {
  private readonly tables: CopiedTable[];

  constructor(
    private readonly source: MoveSource,
    private readonly target: MoveTarget,
    private readonly trust: Trust,
    private readonly options: MoveOptions,
  ) {
    this.tables = copiedTables(source.source);
  }

  async run(): Promise<{ report: MoveReport; head: Head }> {
    const { source, target, options } = this;
    const left = await source.read((manager) => readMoveMark(manager, 'left'));
    if (left && (await this.hasArrived(left.id))) {
      return this.end(await this.rowsOfTarget(), NOTHING, { resumed: true, alreadyMoved: true });
    }
    const copying = target.isEmpty ? null : await target.read((manager) => readMoveMark(manager, 'copying'));
    if (left && copying?.id !== left.id) throw movedAway(source.place, left);
    const { state, total } = await this.stateOfSource();
    if (copying) this.requireSameSource(copying, state);
    else if (!target.isEmpty) throw await this.notEmpty();
    const mark = copying ?? this.newMark(state);
    if (!copying) await target.transaction((manager) => writeMoveMark(manager, 'copying', mark));
    await options.reached?.('begun');
    options.begun?.(total, rowsOf(mark), copying !== null);

    for (const table of this.tables) await this.copy(table, mark);
    await this.copyAudio(mark);
    await options.reached?.('copied');
    const compared = { vectors: await this.compare(), audio: await this.compareAudio(state.database) };
    await options.reached?.('compared');
    // From here on no service opens the source, and none the target yet.
    if (!left) {
      const at = new Date().toISOString();
      await source.leave((manager) => writeMoveMark(manager, 'left', { id: mark.id, to: target.place, at }));
    }
    await options.reached?.('left');
    await this.arrive(mark);
    await options.reached?.('arrived');
    const rows = Object.fromEntries(this.tables.map(({ name }) => [name, mark.tables[name]?.rows ?? 0]));
    return this.end(rows, compared, { resumed: copying !== null, alreadyMoved: false });
  }

  private async end(
    tables: Record<string, number>,
    { vectors, audio }: Compared,
    how: Pick<MoveReport, 'resumed' | 'alreadyMoved'>,
  ): Promise<{ report: MoveReport; head: Head }> {
    const { source, target, trust } = this;
    const report = {
      from: source.place,
      to: target.place,
      removal: source.removal,
      tables,
      rows: Object.values(tables).reduce((sum, rows) => sum + rows, 0),
      vectors: vectors.same,
      unreadableVectors: vectors.unreadable,
      recordings: audio.same,
      missingRecordings: audio.missing,
      ...how,
      uploadsElsewhere: await source.uploadsElsewhere(),
    };
    return { report, head: await target.read((manager) => trust.register.head(manager)) };
  }

  private async hasArrived(id: string): Promise<boolean> {
    const { target } = this;
    if (target.isEmpty) return false;
    const [arrived, copying] = await target.read(async (manager) => [
      await readMoveMark(manager, 'arrived'),
      await readMoveMark(manager, 'copying'),
    ]);
    return arrived?.id === id && !copying;
  }

  private newMark(source: SourceState): Copying {
    return {
      id: randomUUID(),
      from: this.source.place,
      beganAt: new Date().toISOString(),
      source,
      tables: {},
      audio: { recordings: 0, after: '' },
    };
  }

  private requireSameSource({ source: known, from, beganAt }: Copying, now: SourceState): void {
    if (known.database === now.database && known.digest === now.digest) return;
    const { target, source } = this;
    const why =
      known.database === now.database
        ? `${source.place} was written to since (change ${known.counter} then, ${now.counter} now)`
        : `that is not the data of ${source.place}`;
    throw new TimbreError(
      'STORAGE_NOT_EMPTY',
      `${target.place} holds an unfinished copy of ${from}, begun ${beganAt}, and ${why}; remove the copy and run the ` +
        `command again: ${target.removal}`,
    );
  }

  private async notEmpty(): Promise<TimbreError> {
    const { target } = this;
    const left = await target.read((manager) => readMoveMark(manager, 'left'));
    const what = left ? `what was left behind when its data was moved to ${left.to} (${left.at})` : 'data';
    return new TimbreError(
      'STORAGE_NOT_EMPTY',
      `${target.place} holds ${what}, and nothing is ever overwritten; name another place, or remove what is there: ` +
        target.removal,
    );
  }

  /** Read as of one moment. */
  private async stateOfSource(): Promise<{ state: SourceState; total: number }> {
    return this.source.read(async (manager) => {
      const { database, counter } = await this.trust.register.head(manager);
      const hash = createHash('sha256');
      const settings = await manager.find(SettingEntity, { order: { name: 'ASC' } });
      for (const { name, value } of settings) {
        if (!MOVE_MARKS.includes(name)) hash.update(JSON.stringify([name, value.toString('base64')]));
      }
      const [head] = await ask<{ value: Buffer }>(manager, "SELECT value FROM register WHERE name = 'head'");
      hash.update(head?.value ?? '');
      const [last] = await ask<{ seq: number | null }>(manager, 'SELECT MAX(seq) AS seq FROM changes');
      hash.update(JSON.stringify([last?.seq ?? 0]));
      let total = 0;
      for (const table of this.tables) {
        let rows = await countRows(manager, table);
        if (table.name === 'settings') rows = settings.filter(({ name }) => !MOVE_MARKS.includes(name)).length;
        hash.update(JSON.stringify([table.name, rows]));
        total += rows;
      }
      return { state: { database, counter, digest: hash.digest('hex') }, total };
    });
  }

  private async rowsOfTarget(): Promise<Record<string, number>> {
    return this.target.read(async (manager) => {
      const counts: Record<string, number> = {};
      for (const table of this.tables) counts[table.name] = await countRows(manager, table);
      return counts;
    });
  }

  private async copy(table: CopiedTable, mark: Copying): Promise<void> {
    await this.pass(table, mark, table.name, async (manager, rows) => {
      await insertCopied(manager, table, rows);
      return rows.length;
    });
    if (!refersToItself(table)) return;
    await this.pass(table, mark, `${table.name}, references`, async (manager, rows) => {
      await referCopied(manager, table, rows);
      return 0;
    });
  }

  /** A batch in a transaction, and with it how far the copy is. `write` says how many rows there are more. */
  private async pass(
    table: CopiedTable,
    mark: Copying,
    name: string,
    write: (manager: EntityManager, rows: CopiedRow[]) => Promise<number>,
  ): Promise<void> {
    const { source, target, options } = this;
    for (let limit = FIRST_ROWS; ;) {
      const { after, rows: before } = mark.tables[name] ?? { rows: 0, after: [] };
      if (!after) return;
      this.requireNotAborted();
      const read = await source.read((manager) => readCopied(manager, table, after.length === 0 ? null : after, limit));
      const last = read.at(-1);
      const rows = read.map((row) => this.inTarget(table, row)).filter((row) => row !== null);
      const place = { rows: before, after: last && read.length === limit ? keyOf(table, last) : null };
      await target.transaction(async (manager) => {
        place.rows = before + (await write(manager, rows));
        await writeMoveMark(manager, 'copying', { ...mark, tables: { ...mark.tables, [name]: place } });
      });
      mark.tables[name] = place;
      await options.reached?.('batch');
      options.copied?.(rowsOf(mark));
      limit = nextLimit(limit, read);
    }
  }

  /** As it lies there, a recording at a time: its key and the database's id stay what they were. */
  private async copyAudio(mark: Copying): Promise<void> {
    const { source, target, options } = this;
    const [from, to] = [source.audio(mark.source.database), target.audio(mark.source.database)];
    const total = await source.read((manager) => manager.count(KeptRecordingEntity));
    for (;;) {
      const page = await this.keptRecordings(mark.audio.after);
      for (const { id, bytes } of page) {
        this.requireNotAborted();
        const first = await from.read(id, 0, placeOfPiece(bytes, 0));
        const audio = { recordings: mark.audio.recordings + (first ? 1 : 0), after: id };
        await target.transaction(async (manager) => {
          // What a run that was cut off may have left.
          await to.remove(id);
          if (first) await to.write(id, sealedPieces(first, from, id, bytes));
          await writeMoveMark(manager, 'copying', { ...mark, audio });
        });
        mark.audio = audio;
        await options.reached?.('audio');
        options.audioCopied?.(audio.recordings, total);
      }
      if (page.length < RECORDINGS) return;
    }
  }

  /** Errors: STORAGE_INVALID where a piece is another one. */
  private async compareAudio(database: string): Promise<Compared['audio']> {
    const { source, target } = this;
    const [from, to] = [source.audio(database), target.audio(database)];
    const found = { same: 0, missing: 0 };
    for (let after = ''; ;) {
      const page = await this.keptRecordings(after);
      for (const { id, bytes } of page) {
        this.requireNotAborted();
        let isThere = true;
        for (let piece = 0; piece < piecesOf(bytes); piece++) {
          const place = placeOfPiece(bytes, piece);
          const [one, other] = [await from.read(id, piece, place), await to.read(id, piece, place)];
          if (one && other && one.equals(other)) continue;
          isThere = false;
          if (one || other) throw audioDiffers(target, id);
          break;
        }
        if (isThere) found.same++;
        else found.missing++;
        after = id;
      }
      if (page.length < RECORDINGS) return found;
    }
  }

  private keptRecordings(after: string): Promise<{ id: string; bytes: number }[]> {
    return this.source.read((manager) =>
      manager.find(KeptRecordingEntity, {
        select: { id: true, bytes: true },
        where: { id: MoreThan(after) },
        order: { id: 'ASC' },
        take: RECORDINGS,
      }),
    );
  }

  /** Null for what belongs to the source alone. */
  private inTarget(table: CopiedTable, row: CopiedRow): CopiedRow | null {
    const own = emptied(table, row);
    if (table.name !== 'settings') return own;
    const { source, target } = this;
    const at = table.key[0]!;
    const name = own[at] as string;
    if (MOVE_MARKS.includes(name)) return null;
    if (name === source.localKey) return own.with(at, target.localKey);
    // Of the folders of other nodes.
    return name.startsWith(LOCAL_KEYS) ? null : own;
  }

  private compare(): Promise<ComparedVectors> {
    const { source, target, tables, options } = this;
    let compared = 0;
    return compareTables(tables, {
      source: (work) => source.read(work),
      target: (work) => target.read(work),
      cipher: this.trust.cipher,
      expected: (table, row) => this.inTarget(table, row),
      ofTarget: (table, row) => table.name !== 'settings' || !MOVE_MARKS.includes(row[table.key[0]!] as string),
      passed: (rows) => {
        this.requireNotAborted();
        options.compared?.((compared += rows));
      },
    });
  }

  private async arrive({ id, from }: Copying): Promise<void> {
    const { target, trust } = this;
    await target.transaction((manager) =>
      trust.register.within(manager, async () => {
        await target.continueNumbers(manager);
        await target.prepare(manager);
        await new TypeOrmAuditRepository(manager, trust.register).record({ action: 'data.moved', object: id });
        await writeMoveMark(manager, 'arrived', { id, from, at: new Date().toISOString() });
        await removeMoveMark(manager, 'copying');
      }),
    );
  }

  private requireNotAborted(): void {
    if (!this.options.signal?.aborted) return;
    throw new TimbreError('ABORTED', 'cancelled; the same command goes on where this one stopped');
  }
}

interface Compared {
  vectors: ComparedVectors;
  audio: { same: number; missing: number };
}

const NOTHING: Compared = { vectors: { same: 0, unreadable: 0 }, audio: { same: 0, missing: 0 } };

/** Those that are there, up to the first that is not: what is damaged stays as damaged. */
async function* sealedPieces(
  first: Buffer,
  from: SealedPieces,
  id: string,
  bytes: number,
): AsyncGenerator<Buffer, void, undefined> {
  yield first;
  for (let piece = 1; piece < piecesOf(bytes); piece++) {
    const sealed = await from.read(id, piece, placeOfPiece(bytes, piece));
    if (!sealed) return;
    yield sealed;
  }
}

function audioDiffers({ place, removal }: MoveTarget, id: string): TimbreError {
  return new TimbreError(
    'STORAGE_INVALID',
    `the audio of the kept recording ${id} is not in ${place} what it is in the source; remove the copy and run the command ` +
      `again: ${removal}`,
  );
}

/** What the names of the settings of local keys begin with. */
const LOCAL_KEYS = 'local-key';

function rowsOf({ tables }: Copying): number {
  return Object.values(tables).reduce((sum, { rows }) => sum + rows, 0);
}

/** Powers of two, so that few statements differ. */
function nextLimit(limit: number, rows: readonly CopiedRow[]): number {
  const bytes = rows.reduce((sum, row) => sum + bytesOf(row), 0);
  if (bytes > BATCH_BYTES) return Math.max(1, limit / 2);
  return bytes < BATCH_BYTES / 4 ? Math.min(MOST_ROWS, limit * 2) : limit;
}

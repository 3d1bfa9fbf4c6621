import type { EntityManager } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import type { BoundKind } from './bound-records.js';
import { difference, keyOf, readCopied, type CopiedRow, type CopiedTable } from './copied-tables.js';
import { ofSealedColumns, openSealed, type SealedColumn } from './sealed-columns.js';
import type { VectorCipher } from './vector-cipher.js';

/** Rows in memory at once, of each side. */
const ROWS = 256;

/** Vectors of a table that are opened in both databases: those of the first row of each so many. */
const SAMPLES_A_TABLE = 500;

type Read = <T>(work: (manager: EntityManager) => Promise<T>) => Promise<T>;

export interface Comparison {
  source: Read;
  target: Read;
  cipher: VectorCipher;
  /** What a row of the source has to be in the target; null where it is not to be there. */
  expected: (table: CopiedTable, row: CopiedRow) => CopiedRow | null;
  /** Whether a row of the target is one that was copied. */
  ofTarget: (table: CopiedTable, row: CopiedRow) => boolean;
  /** Called with how many rows have just been compared; what it throws ends the comparison. */
  passed: (rows: number) => void;
}

/** Vectors that were looked at in both databases. */
export interface ComparedVectors {
  /** Opened with the data key on both sides, and the same. */
  same: number;
  /** Open on neither side: they were damaged before. */
  unreadable: number;
}

/**
 * Every row of the target against the row of the source, by value; and vectors of some rows of each table, opened with the
 * data key on both sides. Errors: STORAGE_INVALID that names the first difference.
 */
export async function compareTables(tables: readonly CopiedTable[], how: Comparison): Promise<ComparedVectors> {
  const all = { same: 0, unreadable: 0 };
  for (const table of tables) {
    const sampled = await compareTable(table, how);
    const open = OPENING.get(table.name);
    if (!open) continue;
    const { same, unreadable } = await compareVectors(table, sampled, open, how);
    all.same += same;
    all.unreadable += unreadable;
  }
  return all;
}

/** Gives the keys of some of its rows, spread over all of them. */
async function compareTable(table: CopiedTable, how: Comparison): Promise<unknown[][]> {
  const own = new Rows(table, how.source);
  const other = new Rows(table, how.target);
  const keys: unknown[][] = [];
  let [passed, every] = [0, 1];
  for (;;) {
    const expected = await own.next((row) => how.expected(table, row));
    const found = await other.next((row) => (how.ofTarget(table, row) ? row : null));
    if (!expected && !found) break;
    if (!expected) throw differs(table, keyOf(table, found!), 'is in the target alone');
    if (!found) throw differs(table, keyOf(table, expected), 'is in the source alone');
    const column = difference(table, expected, found);
    if (column !== undefined) throw differs(table, keyOf(table, expected), `is another one in ${column}`);
    if (passed++ % every === 0) keys.push(keyOf(table, expected));
    if (keys.length > SAMPLES_A_TABLE) {
      keys.splice(0, keys.length, ...keys.filter((_, i) => i % 2 === 0));
      every *= 2;
    }
    if (passed % ROWS === 0) how.passed(ROWS);
  }
  how.passed(passed % ROWS);
  return keys;
}

/** Rows in the order of their keys, a page at a time. */
class Rows {
  private page: CopiedRow[] = [];
  private at = 0;
  private after: unknown[] | null = null;
  private ended = false;

  constructor(
    private readonly table: CopiedTable,
    private readonly read: Read,
  ) {}

  /** The next one that `of` gives something for. */
  async next(of: (row: CopiedRow) => CopiedRow | null): Promise<CopiedRow | null> {
    for (;;) {
      while (this.at < this.page.length) {
        const row = of(this.page[this.at++]!);
        if (row) return row;
      }
      if (this.ended) return null;
      const { table, after } = this;
      this.page = await this.read((manager) => readCopied(manager, table, after, ROWS));
      this.at = 0;
      this.ended = this.page.length < ROWS;
      const last = this.page.at(-1);
      if (last) this.after = keyOf(table, last);
    }
  }
}

/** A value as it was before it was sealed; null where a row has none, `closed` where it does not open. */
type Opened = Buffer | null | 'closed';

/** Opens the value in the row of a key, as the table has it. Errors: those of the storage. */
type Open = (read: Read, key: readonly unknown[], cipher: VectorCipher) => Promise<Opened>;

/** How what is under the data key is opened, by table. */
const OPENING: ReadonlyMap<string, Open> = new Map(
  ofSealedColumns((column) => [column.entity.options.tableName!, opening(column)] as const),
);

function opening<Kind extends BoundKind>(column: SealedColumn<Kind>): Open {
  const { entity } = column;
  return async (read, key, cipher) => {
    const row = await read((manager) => {
      const { primaryColumns } = manager.connection.getMetadata(entity);
      const where = Object.fromEntries(primaryColumns.map(({ propertyName }, i) => [propertyName, key[i]]));
      return manager.findOneByOrFail(entity, where as never);
    });
    try {
      return openSealed(column, row, cipher);
    } catch (error) {
      // Damaged in the source as here: what the service sets aside there, it sets aside here.
      if (error instanceof TimbreError) return 'closed';
      throw error;
    }
  };
}

async function compareVectors(
  table: CopiedTable,
  keys: readonly unknown[][],
  open: Open,
  { source, target, cipher, passed }: Comparison,
): Promise<ComparedVectors> {
  const found = { same: 0, unreadable: 0 };
  for (const key of keys) {
    const [one, other] = [await open(source, key, cipher), await open(target, key, cipher)];
    if (!isEqual(one, other)) throw differs(table, key, 'has another vector');
    if (one === 'closed') found.unreadable++;
    else if (one) found.same++;
    for (const vector of [one, other]) if (vector !== 'closed') vector?.fill(0);
    passed(0);
  }
  return found;
}

function isEqual(one: Opened, other: Opened): boolean {
  return Buffer.isBuffer(one) && Buffer.isBuffer(other) ? one.equals(other) : one === other;
}

function differs({ name }: CopiedTable, key: readonly unknown[], how: string): TimbreError {
  const text =
    `the copy is not what the source is: the row ${JSON.stringify(key)} of ${name} ${how}; another program writes to one of ` +
    'the databases: end it, remove the copy and begin again';
  return new TimbreError('STORAGE_INVALID', text);
}

import type { EntityManager } from 'typeorm';
import { CHECKPOINT_PAGES } from './database-file.js';
import { clearUnusedBytes } from './unused-bytes.js';
import type { LogFrames } from './log-frames.js';

/** How long a step shall hold the database, milliseconds: its pages are as many as that allows. */
const STEP_MS = 20;
const FIRST_STEP = 32;
const MOST_PAGES = 512;

/** Beyond, a page that goes on with a long row cannot be told from one that holds cells. */
const MOST_PAGES_IN_FILE = 2 ** 25;

/** The first page has the tables' definitions, and nothing of anybody. */
const FIRST_PAGE = 2;

/** Whether SQLite was compiled with reading and writing of pages, and the file is one whose pages can be told apart. */
export async function canWipePages(manager: EntityManager): Promise<boolean> {
  const [option] = await manager.query<{ used: number }[]>(
    `SELECT sqlite_compileoption_used('ENABLE_DBPAGE_VTAB') AS used`,
  );
  return option?.used === 1 && (await pageCount(manager)) < MOST_PAGES_IN_FILE;
}

/**
 * Overwrites what erased rows have left in unused parts of pages, in steps between which others read and write. SQLite
 * overwrites deleted rows themselves, but not the copies that it leaves behind where it splits and joins pages.
 *
 * Every page is passed once. Those that others write meanwhile are passed again: what lay in a page that was not passed yet
 * may have got into one that was. They are known from the write-ahead log; where another program has written, it begins
 * anew. When a step ends with nothing left, no page has anything of any deleted row.
 */
export class PageWiping {
  private next = FIRST_PAGE;
  private countBefore = Infinity;
  private readonly again = new Set<number>();
  private dataVersion: number | undefined;
  private pagesAStep = FIRST_STEP;

  constructor(
    private readonly manager: EntityManager,
    private readonly frames: LogFrames,
  ) {}

  /** To be called before every checkpoint of this connection. */
  async look(): Promise<void> {
    for (const page of await this.frames.look()) this.again.add(page);
  }

  /**
   * Passes some more pages, in the write transaction that it is called in. True where none is left: the transaction's
   * end is the moment at which the file has nothing of what was erased.
   */
  async step(): Promise<boolean> {
    const began = performance.now();
    await this.look();
    const version = await this.versionOfOthers();
    if (version !== this.dataVersion) {
      // Whatever another program wrote before may have left the log by now.
      this.dataVersion = version;
      this.next = FIRST_PAGE;
      this.again.clear();
    }
    const count = await pageCount(this.manager);
    const pages = this.take(count);
    this.countBefore = count;
    await this.clear(pages);
    const share = STEP_MS / Math.max(performance.now() - began, 1);
    this.pagesAStep = Math.round(Math.min(MOST_PAGES, Math.max(FIRST_STEP / 4, this.pagesAStep * Math.min(2, share))));
    return this.next > count;
  }

  /** After a step's commit: its own pages need no other look, and the log is kept short. */
  async committed(): Promise<void> {
    await this.frames.look();
    if (this.frames.length > CHECKPOINT_PAGES) await this.manager.query('PRAGMA wal_checkpoint(PASSIVE)');
  }

  /**
   * All that others have written since, which is less work than writing it was; and more of the others than the file has
   * grown by, so that there is an end.
   */
  private take(count: number): number[] {
    const pages = new Set([...this.again].filter((page) => page >= FIRST_PAGE && page <= count));
    this.again.clear();
    const grown = Math.max(0, count - this.countBefore);
    for (let more = this.pagesAStep + grown; more > 0 && this.next <= count; more--) pages.add(this.next++);
    return [...pages];
  }

  private async clear(pages: readonly number[]): Promise<void> {
    // The table of pages finds one by its number, and knows no ranges.
    const rows = await this.manager.query<{ page: number; data: Buffer }[]>(
      `SELECT wanted.value AS page, data FROM json_each(?) AS wanted CROSS JOIN sqlite_dbpage AS pages
       ON pages.pgno = wanted.value`,
      [JSON.stringify(pages)],
    );
    for (const { page, data } of rows) {
      if (!clearUnusedBytes(data)) continue;
      await this.manager.query('UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?', [data, page]);
    }
  }

  /** Another number where another connection has written since. */
  private async versionOfOthers(): Promise<number> {
    const [{ data_version: version }] = await this.manager.query<[{ data_version: number }]>('PRAGMA data_version');
    return version;
  }
}

async function pageCount(manager: EntityManager): Promise<number> {
  const [{ page_count: count }] = await manager.query<[{ page_count: number }]>('PRAGMA page_count');
  return count;
}

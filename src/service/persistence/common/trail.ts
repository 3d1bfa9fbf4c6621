import { createHmac } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { ask } from './dialect.js';
import { AuditEntity, type AuditRow } from './entities/audit.entity.js';
import type { Head, Register, TrailEnd, TrimmedEntries } from './register.js';
import { insertRows } from './rows.js';

/*
 * The audit trail as a chain: the mac of each entry covers that of the entry before it, and the head of the register has the
 * last one. HMAC-SHA-256 under keys that are in the head alone.
 */

export type UnsealedRow = Omit<AuditRow, 'id' | 'mac'>;

/** Appends entries, in the transaction of what they tell of. Errors: STORAGE_INVALID where the register has lost its head. */
export async function appendEntries(
  manager: EntityManager,
  register: Register,
  entries: readonly UnsealedRow[],
): Promise<void> {
  if (entries.length === 0) return;
  const last = (await register.lastEntry(manager)) ?? (await lastEntry(manager));
  let rows: AuditRow[] = [];
  await register.changeHead(manager, ({ trail }) => {
    // Entries that another program has added keep their numbers, and are bound to nothing.
    let id = Math.max(trail.last, last);
    if (id > trail.last) addTrimmed(trail, { first: trail.last + 1, last: id, mac: trail.mac });
    rows = entries.map((entry) => follow(trail, { ...entry, id: ++id }));
  });
  await register.sent(manager, insertRows(manager, AuditEntity, rows));
}

async function lastEntry(manager: EntityManager): Promise<number> {
  const [row] = await ask<{ last: number | null }>(manager, 'SELECT MAX(id) AS last FROM audit');
  return row?.last ?? 0;
}

/**
 * Binds the entries that are there already, in their order, in a transaction, and gives their ids and macs (hexadecimal) for
 * their rows; `more` as of `Register.changeHead`.
 */
export async function sealEntries(
  manager: EntityManager,
  register: Register,
  entries: readonly AuditRow[],
  more: (head: Head) => void,
): Promise<[id: number, mac: string][]> {
  const sealed: [number, string][] = [];
  await register.changeHead(manager, (head) => {
    const { trail } = head;
    for (const entry of entries) {
      // What is not there went by age before.
      if (entry.id > trail.last + 1) addTrimmed(trail, { first: trail.last + 1, last: entry.id - 1, mac: trail.mac });
      sealed.push([entry.id, follow(trail, entry).mac!.toString('hex')]);
    }
    more(head);
  });
  return sealed;
}

/** Notes that entries go by age, in the transaction that deletes them. */
export function noteTrimmed(trail: TrailEnd, gone: readonly Pick<AuditRow, 'id' | 'mac'>[]): void {
  const inOrder = gone.filter(({ id }) => id <= trail.last).sort((a, b) => a.id - b.id);
  for (const { id, mac } of inOrder) {
    addTrimmed(trail, { first: id, last: id, mac: mac?.toString('hex') ?? '' });
  }
}

function follow(trail: TrailEnd, entry: Omit<AuditRow, 'mac'>): AuditRow {
  const mac = macOf(keyOf(trail, entry.id), trail.mac, entry);
  trail.last = entry.id;
  trail.mac = mac.toString('hex');
  return { ...entry, mac };
}

/** Keeps the runs in order, and joins those that touch. */
function addTrimmed({ trimmed }: TrailEnd, run: TrimmedEntries): void {
  let at = trimmed.length;
  while (at > 0 && trimmed[at - 1]!.first > run.first) at--;
  trimmed.splice(at, 0, { ...run });
  const [before, own, behind] = [trimmed[at - 1], trimmed[at]!, trimmed[at + 1]];
  if (behind && behind.first === own.last + 1) {
    trimmed.splice(at, 2, { first: own.first, last: behind.last, mac: behind.mac });
  }
  const joined = trimmed[at]!;
  if (before && joined.first === before.last + 1) {
    trimmed.splice(at - 1, 2, { first: before.first, last: joined.last, mac: joined.mac });
  }
}

function keyOf({ keys }: TrailEnd, id: number): string {
  return keys.findLast(({ from }) => from <= id)!.key;
}

function macOf(
  key: string,
  before: string,
  { id, at, by, action, subject, object, outcome, requestId }: Omit<AuditRow, 'mac'>,
): Buffer {
  const content = JSON.stringify([before, id, at, by, action, subject, object, outcome, requestId]);
  return createHmac('sha256', Buffer.from(key, 'hex')).update(content).digest();
}

/** What is wrong in the trail. */
export interface TrailFinding {
  what: 'changed' | 'missing' | 'added' | 'end';
  /** Ids, one or the ends of a run. */
  first: number;
  last: number;
}

/** Follows the chain, entry by entry in the order of ids. */
export class TrailCheck {
  entries = 0;
  private next = 1;
  /** What the next entry may follow. */
  private before = [''];
  private run = 0;

  constructor(private readonly trail: TrailEnd) {}

  /** What is wrong at this entry, and between the one before and it. */
  check(entry: AuditRow): TrailFinding[] {
    this.entries++;
    const found = this.passTo(entry.id);
    this.passTrimmed();
    const { trail, before } = this;
    // Behind the end, or among those that went by age.
    if (entry.id > trail.last || entry.id < this.next) {
      return [...found, { what: 'added', first: entry.id, last: entry.id }];
    }
    this.next = entry.id + 1;
    const key = keyOf(trail, entry.id);
    const own = entry.mac?.toString('hex') ?? '';
    const expected = before.map((one) => macOf(key, one, entry).toString('hex'));
    if (expected.includes(own)) {
      this.before = [own];
      return found;
    }
    // What follows is bound to this one's mac, to what that was, or to the entry before where this one was added.
    this.before = [before[0]!, own, expected[0]!];
    // What follows a hole does not follow what is before it: that is the hole's finding.
    return found.length > 0 ? found : [{ what: 'changed', first: entry.id, last: entry.id }];
  }

  /** What is wrong at the end, behind the last entry. */
  end(): TrailFinding[] {
    const { trail } = this;
    const found = this.passTo(trail.last + 1);
    if (found.length === 0 && !this.before.includes(trail.mac)) {
      found.push({ what: 'end', first: trail.last, last: trail.last });
    }
    return found;
  }

  /** Over what went by age; anything else that is not there is missing. */
  private passTo(id: number): TrailFinding[] {
    const found: TrailFinding[] = [];
    const until = Math.min(id, this.trail.last + 1);
    while (this.next < until) {
      const run = this.trail.trimmed[this.run];
      if (run && run.last < this.next) {
        this.run++;
      } else if (run?.first === this.next) {
        this.passTrimmed();
      } else {
        const last = Math.min(until - 1, (run?.first ?? Infinity) - 1);
        found.push({ what: 'missing', first: this.next, last });
        this.next = last + 1;
      }
    }
    return found;
  }

  /** Past the run of entries that went by age which the next entry would be in. */
  private passTrimmed(): void {
    const run = this.trail.trimmed[this.run];
    if (run?.first !== this.next) return;
    this.next = run.last + 1;
    this.before = [run.mac];
    this.run++;
  }
}

import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import {
  digest,
  DIGEST_BYTES,
  digestOf,
  idOf,
  KEYS_OWNER,
  ownerOf,
  type BoundKind,
  type BoundRows,
} from './bound-records.js';
import { affect, askPrepared, dialectOf } from './dialect.js';
import { RegisterEntity, type RegisterRow } from './entities/register.entity.js';
import { insertRows } from './rows.js';
import type { VectorCipher } from './vector-cipher.js';

/** Leaves are spread over so many; what is written anew for a record grows with its share of all leaves. */
const BUCKETS = 256;

/** Place of the API keys' leaf in the root, behind the buckets. */
const KEYS_SLOT = BUCKETS;

/** After others have changed what is above the leaves, so many readings bring it at once. */
const READINGS_AFTER_OTHERS = 32;

const NAME_BYTES = 16;
const ENTRY_BYTES = NAME_BYTES + DIGEST_BYTES;
const EMPTY = Buffer.alloc(0);
const ABSENT = Buffer.alloc(DIGEST_BYTES);
const EMPTY_ROOT = Buffer.alloc((BUCKETS + 1) * DIGEST_BYTES);

export const HEAD = 'head';
const HEAD_OF = ['register head'];
/** There where everything is sealed, for programs beside the service; nobody believes more for it. */
export const SETTLED = 'settled';
const ROOT = 'root';
const bucketName = (bucket: number): string => `bucket ${bucket}`;
const leafName = (owner: string): string => (owner === KEYS_OWNER ? 'keys' : `of ${owner}`);

/** Entries that went by age, and the mac that the next one follows. */
export interface TrimmedEntries {
  first: number;
  last: number;
  /** Hexadecimal. */
  mac: string;
}

/** Where the audit trail ends. */
export interface TrailEnd {
  /** Id of the last entry; 0 before the first. */
  last: number;
  /** Of that entry, hexadecimal. */
  mac: string;
  /** Keys of the macs, hexadecimal, each from an entry on. A rotation of the data key begins another. */
  keys: { from: number; key: string }[];
  /** In order, and none beside another. */
  trimmed: TrimmedEntries[];
}

/** Where the sealing of what was there before the register is. */
export interface SealingPlace {
  table: BoundKind | 'audit';
  /** Rowid of the last row passed. */
  after: number;
}

/** What everything in the database hangs on: one record, encrypted and authenticated under the data key. */
export interface Head {
  /** Tells databases under one key apart. */
  database: string;
  /** Counts every change. */
  counter: number;
  /** Whether the epoch provider has heard of this database. */
  anchored: boolean;
  /** Digest of the root, hexadecimal. */
  root: string;
  /** Null when everything is sealed. */
  sealing: SealingPlace | null;
  trail: TrailEnd;
}

/** What one reading of the register has found for some owners. */
interface Found {
  head: Head;
  root: Buffer;
  buckets: Map<number, Buffer>;
  /** By owner. */
  leaves: Map<string, Buffer>;
}

interface Cached {
  digest: Buffer;
  value: Buffer;
}

/** A change of what an owner's leaf says of one record; `digest` null takes it out. */
interface LeafChange {
  name: Buffer;
  digest: Buffer | null;
}

/** What a transaction that writes has read at its beginning: nobody else changes it until its end. */
export interface Beginning {
  /** The head, sealed; null where there is none. */
  head: Buffer | null;
  /** Id of the last entry of the audit trail, whoever wrote it; 0 before the first. */
  lastEntry: number;
}

export interface WithinOptions {
  counted?: (counter: number) => void;
  beginning?: Promise<Beginning>;
  last?: (sent: readonly Promise<unknown>[]) => void;
}

/** Columns of `vouching` in a record. */
type Vouching = Record<'register_head' | 'register_leaf' | 'register_root' | 'register_bucket', Buffer | null>;

/** How much a reading of one statement brings of the register: with `all`, what is above the leaves too. */
export type Brought = 'leaves' | 'all';

/** What is above the leaves has changed since it was read last; a reading of one statement is to be done again with `all`. */
export class StaleRegister extends Error {}

/** Number of an owner's bucket in SQL of PostgreSQL, as `bucketOf`. */
function bucketIn(owner: string): string {
  return `get_byte(sha256(convert_to('[' || CAST(to_json(CAST(${owner} AS text)) AS text) || ']', 'UTF8')), 0)`;
}

/** What a transaction has changed so far, which is written at its end, and what it need not read again. */
class Pending {
  head: Head | undefined;
  dirty = false;
  /** As they were before the transaction, by owner. */
  readonly leaves = new Map<string, Buffer>();
  /** By owner, and by the name of the record's entry. */
  readonly changes = new Map<string, Map<string, LeafChange>>();
  /** Owners of whom nothing from before is vouched for. */
  readonly gone = new Set<string>();
  /** Writes that have been sent, and whose answers nobody needs before the end. */
  readonly sent: Promise<unknown>[] = [];

  constructor(public beginning: Promise<Beginning> | undefined) {}

  set(owner: string, change: LeafChange): void {
    let own = this.changes.get(owner);
    if (!own) this.changes.set(owner, (own = new Map<string, LeafChange>()));
    own.set(change.name.toString('hex'), change);
    this.dirty = true;
  }
}

/**
 * Vouches for the records of the database. Every record that decides something has a digest in the leaf of its speaker;
 * every leaf has one in a bucket, every bucket in the root, and the root in the head, which is sealed under the data key.
 * A record that was put back, exchanged, added or changed by another program does not have the digest that its leaf
 * has for it; a leaf that was put back with it does not have that of its bucket, and so on up to the head. What
 * the head cannot tell, that all of the file was put back, the epoch tells.
 *
 * What does not have its digest counts as empty: nothing that it vouched for is believed, and nothing is vouched for anew.
 */
export class Register {
  /** Values by their digests: whatever the database says is compared with them. */
  private root: Cached | undefined;
  private readonly buckets = new Map<number, Cached>();
  private readonly transactions = new WeakMap<EntityManager, Pending>();
  /** Of readings of one statement. */
  private readonly brought = new WeakMap<EntityManager, Brought>();
  /** Readings since the root was found changed by others. */
  private sinceOthers = Infinity;
  /** The head that was opened last, and its text. */
  private opened: { sealed: Buffer; text: string } | undefined;

  constructor(
    private readonly cipher: VectorCipher,
    private readonly set = new Set<string>(),
  ) {}

  /**
   * The same for a connection that sees another moment, or may: what it has read is of no use to the others, nor theirs to
   * it. Only reads.
   */
  aside(): Register {
    return new Register(this.cipher, this.set);
  }

  /** Records that were read and are not as the register has them, as `kind id id`. */
  get altered(): ReadonlySet<string> {
    return this.set;
  }

  /** Of each row, whether it is as it was bound last. Errors: STORAGE_INVALID where the head is lost. */
  async check<Kind extends BoundKind>(
    manager: EntityManager,
    kind: Kind,
    rows: readonly BoundRows[Kind][],
  ): Promise<boolean[]> {
    if (rows.length === 0) return [];
    const { leaves } = await this.find(
      manager,
      rows.map((row) => ownerOf(kind, row)),
    );
    const pending = this.transactions.get(manager);
    return rows.map((row) => this.compare(leaves.get(ownerOf(kind, row)) ?? EMPTY, kind, row, pending));
  }

  /** Of one row. Errors: as `check`. */
  async holds<Kind extends BoundKind>(manager: EntityManager, kind: Kind, row: BoundRows[Kind]): Promise<boolean> {
    return (await this.check(manager, kind, [row]))[0]!;
  }

  /** Errors: STORAGE_INVALID where a row is not as it was bound last, or the head is lost. */
  async require<Kind extends BoundKind>(
    manager: EntityManager,
    kind: Kind,
    rows: readonly BoundRows[Kind][],
  ): Promise<void> {
    const wrong = (await this.check(manager, kind, rows)).indexOf(false);
    if (wrong >= 0) throw notAsWritten(kind);
  }

  /** Two kinds of records of the same owners at once, as `check`. */
  async checkBoth<One extends BoundKind, Other extends BoundKind>(
    manager: EntityManager,
    [one, other]: [One, Other],
    pairs: readonly (readonly [BoundRows[One], BoundRows[Other]])[],
  ): Promise<[boolean, boolean][]> {
    if (pairs.length === 0) return [];
    const { leaves } = await this.find(
      manager,
      pairs.map(([row]) => ownerOf(one, row)),
    );
    const pending = this.transactions.get(manager);
    return pairs.map(([first, second]) => [
      this.compare(leaves.get(ownerOf(one, first)) ?? EMPTY, one, first, pending),
      this.compare(leaves.get(ownerOf(other, second)) ?? EMPTY, other, second, pending),
    ]);
  }

  /** What a reading brings at first: what is above the leaves too, for a while after others have changed it. */
  get usual(): Brought {
    return this.sinceOthers < READINGS_AFTER_OTHERS ? 'all' : 'leaves';
  }

  /** From now on this is a reading of one statement; on PostgreSQL. */
  bring(manager: EntityManager, brought: Brought): void {
    this.brought.set(manager, brought);
  }

  /**
   * Columns for a statement that reads records: what `checkBeside` needs. `owner`: SQL that gives the owner of a record; null for
   * API keys.
   */
  vouching(manager: EntityManager, owner: string | null): string {
    const valueOf = (name: string): string => `(SELECT value FROM register WHERE name = ${name})`;
    const leaf = owner === null ? `'${leafName(KEYS_OWNER)}'` : `'of ' || ${owner}`;
    const own = `${valueOf(`'${HEAD}'`)} AS register_head, ${valueOf(leaf)} AS register_leaf`;
    const { name } = dialectOf(manager);
    const brought = this.brought.get(manager) ?? (name === 'postgres' ? this.usual : 'leaves');
    if (brought !== 'all') return own;
    const above = `${own}, ${valueOf(`'${ROOT}'`)} AS register_root`;
    return owner === null ? above : `${above}, ${valueOf(`'bucket ' || ${bucketIn(owner)}`)} AS register_bucket`;
  }

  /**
   * The same of rows that were read with `vouching`, each beside its record: mostly without another statement. Errors: as
   * `check`; StaleRegister in a reading that brings leaves alone.
   */
  async checkBeside<Kind extends BoundKind>(
    manager: EntityManager,
    kind: Kind,
    found: readonly { row: BoundRows[Kind]; record: Record<string, unknown> }[],
  ): Promise<boolean[]> {
    const [first] = found;
    if (!first) return [];
    const { register_head: sealed } = first.record as Partial<Vouching>;
    const head = this.openHead(sealed ?? undefined);
    const owners = found.map(({ row }) => ownerOf(kind, row));
    const buckets = bucketsOf(owners);
    this.sinceOthers++;
    for (const [i, { record }] of found.entries()) {
      const { register_root: root, register_bucket: bucket } = record as Partial<Vouching>;
      const own = bucketsOf([owners[i]!]);
      const above = new Map<string, Buffer>(root ? [[ROOT, root]] : []);
      for (const number of own) if (bucket) above.set(bucketName(number), bucket);
      this.learn(head, own, above);
    }
    if (this.unknown(head, buckets).length > 0) {
      if (this.brought.get(manager) === 'leaves') throw new StaleRegister();
      return this.check(
        manager,
        kind,
        found.map(({ row }) => row),
      );
    }
    const stored = found.flatMap(({ record }, i): [string, Buffer][] => {
      const { register_leaf: leaf } = record as Partial<Vouching>;
      return leaf ? [[leafName(owners[i]!), leaf]] : [];
    });
    const { leaves } = this.verified(head, owners, buckets, new Map(stored));
    const pending = this.transactions.get(manager);
    for (const [owner, leaf] of leaves) pending?.leaves.set(owner, leaf);
    return found.map(({ row }, i) => this.compare(leaves.get(owners[i]!) ?? EMPTY, kind, row, pending));
  }

  /**
   * Within a transaction, at whose end it writes what `work` has bound: once, however much that is. Everything that
   * changes the register happens in one. `counted` is called with the counter that was written, if one was; `beginning`:
   * what is read with the beginning of the transaction, if anything is; `last` is given the writes that were sent, in their
   * order, for whoever sends the end of the transaction behind them and waits for them then; they are waited for here otherwise.
   */
  async within<T>(
    manager: EntityManager,
    work: () => Promise<T>,
    { counted, beginning, last }: WithinOptions = {},
  ): Promise<T> {
    const pending = new Pending(beginning);
    this.transactions.set(manager, pending);
    try {
      const result = await work();
      const counter = pending.dirty ? await this.settle(manager, pending) : undefined;
      if (last) last(pending.sent);
      else await Promise.all(pending.sent);
      if (counter !== undefined) counted?.(counter);
      return result;
    } catch (error) {
      // Nothing of it comes behind the end of the transaction.
      await Promise.allSettled(pending.sent);
      last?.(pending.sent);
      throw error;
    } finally {
      this.transactions.delete(manager);
    }
  }

  /**
   * To be given a write of a transaction that was sent, and whose answer says nothing but that it failed: the end waits for it.
   * SQLite's connection keeps no order of what it is given at once: there it is waited for now.
   */
  async sent(manager: EntityManager, write: Promise<unknown>): Promise<void> {
    // Told by the end, also where something else fails before.
    write.catch(() => undefined);
    this.pendingOf(manager).sent.push(write);
    if (dialectOf(manager).name === 'sqlite') await write;
  }

  /** Vouches for these rows as they are, in the transaction that writes them. */
  bind<Kind extends BoundKind>(manager: EntityManager, kind: Kind, rows: readonly BoundRows[Kind][]): void {
    const pending = this.pendingOf(manager);
    for (const row of rows) {
      const id = idOf(kind, row);
      pending.set(ownerOf(kind, row), { name: entryName(kind, id), digest: digestOf(kind, row) });
      if (this.set.size > 0) this.set.delete(label(kind, ownerOf(kind, row), id));
    }
  }

  /** Vouches no more for a record, in the transaction that deletes it. */
  release(manager: EntityManager, kind: BoundKind, owner: string, id: readonly string[]): void {
    this.pendingOf(manager).set(owner, { name: entryName(kind, id), digest: null });
    this.set.delete(label(kind, owner, id));
  }

  /** The same for all that is a speaker's. */
  releaseAll(manager: EntityManager, owner: string): void {
    const pending = this.pendingOf(manager);
    pending.gone.add(owner);
    pending.changes.delete(owner);
    pending.dirty = true;
    for (const one of this.set) if (isOf(one, owner)) this.set.delete(one);
  }

  /** Errors: STORAGE_INVALID where it is lost. */
  async head(manager: EntityManager): Promise<Head> {
    const pending = this.transactions.get(manager);
    if (pending?.head) return pending.head;
    const beginning = await pending?.beginning;
    // Whoever else has asked meanwhile may have changed it.
    if (pending?.head) return pending.head;
    return this.openHead(beginning ? (beginning.head ?? undefined) : (await read(manager, [HEAD])).get(HEAD));
  }

  /** What the audit trail ended with when this transaction began; undefined where that was not read then. */
  async lastEntry(manager: EntityManager): Promise<number | undefined> {
    return (await this.transactions.get(manager)?.beginning)?.lastEntry;
  }

  /** Null where the database never had one: it is new, or from before the register. */
  async headIfAny(manager: EntityManager): Promise<Head | null> {
    const value = (await read(manager, [HEAD])).get(HEAD);
    return value ? this.openHead(value) : null;
  }

  /** Begins a register that vouches for nothing yet; `sealing`: where that of what is there begins, if anything is. */
  async begin(manager: EntityManager, sealing: SealingPlace | null): Promise<void> {
    await affect(manager, 'DELETE FROM register');
    const trail = { last: 0, mac: '', keys: [{ from: 1, key: newTrailKey() }], trimmed: [] };
    const head = { database: randomUUID(), counter: 0, anchored: false, root: digest(EMPTY_ROOT).toString('hex') };
    const full: Head = { ...head, sealing, trail };
    await this.write(manager, full, [{ name: ROOT, value: EMPTY_ROOT }]);
    const pending = this.transactions.get(manager);
    if (!pending) return;
    pending.beginning = undefined;
    pending.leaves.clear();
  }

  /** Changes what the head says, in a transaction. Errors: as `head`. */
  async changeHead(manager: EntityManager, change: (head: Head) => void): Promise<void> {
    const pending = this.pendingOf(manager);
    const head = await this.head(manager);
    pending.head ??= head;
    change(pending.head);
    pending.dirty = true;
  }

  /** Seals what it has under the current data key, in a transaction, where it is under another one. Errors: as `head`. */
  async resealHead(manager: EntityManager): Promise<void> {
    const sealed = (await read(manager, [HEAD])).get(HEAD);
    if (sealed && !this.cipher.isCurrent(sealed)) await this.changeHead(manager, () => undefined);
  }

  /** What is vouched for of these owners, by owner: names of entries to digests. For whoever looks at everything. */
  async leaves(manager: EntityManager, owners: readonly string[]): Promise<Map<string, Map<string, Buffer>>> {
    const { leaves } = await this.find(manager, owners);
    return new Map(owners.map((owner) => [owner, entriesOf(leaves.get(owner) ?? EMPTY)]));
  }

  /** Every bucket and the root against the digests above them: how many leaves are vouched for, and what is broken. */
  async structure(manager: EntityManager): Promise<{ leaves: number; broken: string[] }> {
    const names = Array.from({ length: BUCKETS }, (_, bucket) => bucketName(bucket));
    const stored = await read(manager, [HEAD, ROOT, leafName(KEYS_OWNER), ...names]);
    const head = this.openHead(stored.get(HEAD));
    const root = stored.get(ROOT) ?? EMPTY;
    if (digest(root).toString('hex') !== head.root) return { leaves: 0, broken: [ROOT] };
    const broken: string[] = [];
    let leaves = 0;
    for (let slot = 0; slot <= KEYS_SLOT; slot++) {
      const name = slot === KEYS_SLOT ? leafName(KEYS_OWNER) : bucketName(slot);
      const expected = slotOf(root, slot);
      const value = stored.get(name) ?? EMPTY;
      if (!expected.equals(ABSENT) && !digest(value).equals(expected)) broken.push(name);
      else if (slot !== KEYS_SLOT && !expected.equals(ABSENT)) leaves += value.length / ENTRY_BYTES;
    }
    return { leaves, broken };
  }

  private compare<Kind extends BoundKind>(
    leaf: Buffer,
    kind: Kind,
    row: BoundRows[Kind],
    pending: Pending | undefined,
  ): boolean {
    const id = idOf(kind, row);
    const owner = ownerOf(kind, row);
    const name = entryName(kind, id);
    const changed = pending?.changes.get(owner)?.get(name.toString('hex'));
    const before = pending?.gone.has(owner) ? undefined : lookUp(leaf, name);
    const known = changed ? changed.digest : before;
    const same = known?.equals(digestOf(kind, row)) ?? false;
    if (!same) this.set.add(label(kind, owner, id));
    else if (this.set.size > 0) this.set.delete(label(kind, owner, id));
    return same;
  }

  private pendingOf(manager: EntityManager): Pending {
    const pending = this.transactions.get(manager);
    if (!pending) throw new Error('the register is changed within a transaction only');
    return pending;
  }

  /** Writes what a transaction has changed: leaves, their buckets, the root and the head. Gives the head's counter. */
  private async settle(manager: EntityManager, pending: Pending): Promise<number> {
    const { changes, gone } = pending;
    const owners = [...new Set([...changes.keys(), ...gone])];
    const found = owners.length > 0 ? await this.find(manager, owners) : null;
    const head = pending.head ?? found?.head ?? (await this.head(manager));
    const rows = found ? this.withChanges(found, owners, pending, head) : [];
    await this.sent(manager, this.write(manager, head, rows));
    const lost = owners.filter((owner) => gone.has(owner) && !changes.has(owner));
    if (lost.length === 0) return head.counter;
    const { within, value } = dialectOf(manager).list(lost.map(leafName));
    await this.sent(manager, affect(manager, `DELETE FROM register WHERE name IN ${within}`, [value]));
    return head.counter;
  }

  /** The nodes that change, up to the root; the head learns of it. */
  private withChanges(
    { root, buckets, leaves }: Found,
    owners: readonly string[],
    { changes, gone }: Pending,
    head: Head,
  ): RegisterRow[] {
    const rows: RegisterRow[] = [];
    const newRoot = Buffer.from(root);
    for (const owner of owners) {
      const own = changes.get(owner);
      const leaf = withEntries(gone.has(owner) ? EMPTY : (leaves.get(owner) ?? EMPTY), own ? [...own.values()] : []);
      if (own) rows.push({ name: leafName(owner), value: leaf });
      if (owner === KEYS_OWNER) {
        digest(leaf).copy(newRoot, KEYS_SLOT * DIGEST_BYTES);
        continue;
      }
      const bucket = bucketOf(owner);
      const entry = { name: ownerName(owner), digest: own ? digest(leaf) : null };
      buckets.set(bucket, withEntries(buckets.get(bucket) ?? EMPTY, [entry]));
    }
    for (const bucket of bucketsOf(owners)) {
      const value = buckets.get(bucket)!;
      const known = { digest: digest(value), value };
      known.digest.copy(newRoot, bucket * DIGEST_BYTES);
      this.buckets.set(bucket, known);
      rows.push({ name: bucketName(bucket), value });
    }
    this.root = { digest: digest(newRoot), value: newRoot };
    head.root = this.root.digest.toString('hex');
    return [...rows, { name: ROOT, value: newRoot }];
  }

  private async write(manager: EntityManager, head: Head, rows: readonly RegisterRow[]): Promise<void> {
    head.counter++;
    const value = this.cipher.seal(Buffer.from(JSON.stringify(head)), HEAD_OF);
    await insertRows(manager, RegisterEntity, [{ name: HEAD, value }, ...rows], { replace: ['name'] });
  }

  /**
   * One statement where what is above the leaves is known, mostly two otherwise; none for what this transaction has read
   * already.
   */
  private async find(manager: EntityManager, owners: readonly string[]): Promise<Found> {
    const own = [...new Set(owners)];
    const needed = bucketsOf(own);
    const pending = this.transactions.get(manager);
    const sealed = (await pending?.beginning)?.head;
    const unread = own.filter((owner) => !pending?.leaves.has(owner));
    // Where the head is known already, so is what of the rest is not.
    const stale = sealed ? this.unknown(this.openHead(sealed), needed) : [];
    const asked = new Set<string>(stale.length > 0 ? [ROOT, ...stale] : []);
    for (;;) {
      // Everything of one moment: others may have committed since the last, or have learnt of another moment.
      const stored = await read(manager, [...(sealed ? [] : [HEAD]), ...unread.map(leafName), ...asked]);
      const head = this.openHead(sealed ?? stored.get(HEAD));
      this.learn(head, needed, stored);
      const missing = this.unknown(head, needed);
      // What was read beside its head, and is unknown still, does not have its digest, and counts as empty.
      if (missing.every((name) => asked.has(name))) {
        const found = this.verified(head, unread, needed, stored);
        if (!pending) return found;
        for (const [owner, leaf] of found.leaves) pending.leaves.set(owner, leaf);
        return { ...found, leaves: new Map(own.map((owner) => [owner, pending.leaves.get(owner) ?? EMPTY])) };
      }
      for (const name of [ROOT, ...missing]) asked.add(name);
    }
  }

  private unknown(head: Head, needed: readonly number[]): string[] {
    if (this.root?.digest.toString('hex') !== head.root) return [ROOT, ...needed.map(bucketName)];
    const { value: root } = this.root;
    return needed
      .filter((bucket) => {
        const expected = slotOf(root, bucket);
        return !expected.equals(ABSENT) && !this.buckets.get(bucket)?.digest.equals(expected);
      })
      .map(bucketName);
  }

  /** Keeps what has its digest. */
  private learn(head: Head, needed: readonly number[], stored: Map<string, Buffer>): void {
    const root = stored.get(ROOT);
    if (root?.length === EMPTY_ROOT.length) {
      const own = digest(root);
      const isCurrent = own.toString('hex') === head.root;
      if (isCurrent && !this.root?.digest.equals(own)) this.sinceOthers = 0;
      if (isCurrent) this.root = { digest: own, value: root };
    }
    for (const bucket of needed) {
      const value = stored.get(bucketName(bucket));
      if (value) this.buckets.set(bucket, { digest: digest(value), value });
    }
  }

  private verified(head: Head, owners: string[], needed: number[], stored: Map<string, Buffer>): Found {
    const root = this.root?.digest.toString('hex') === head.root ? this.root.value : EMPTY_ROOT;
    const buckets = new Map<number, Buffer>();
    for (const bucket of needed) {
      const known = this.buckets.get(bucket);
      buckets.set(bucket, known?.digest.equals(slotOf(root, bucket)) ? known.value : EMPTY);
    }
    const leaves = new Map<string, Buffer>();
    for (const owner of owners) {
      const value = stored.get(leafName(owner)) ?? EMPTY;
      const expected =
        owner === KEYS_OWNER
          ? slotOf(root, KEYS_SLOT)
          : lookUp(buckets.get(bucketOf(owner)) ?? EMPTY, ownerName(owner));
      leaves.set(owner, expected && digest(value).equals(expected) ? value : EMPTY);
    }
    return { head, root, buckets, leaves };
  }

  /** Of its sealed text. Errors: STORAGE_INVALID where there is none; those of the cipher. */
  openHead(value: Buffer | undefined): Head {
    if (!value)
      throw new TimbreError('STORAGE_INVALID', 'the database has lost the head of its register; restore a backup');
    if (!this.opened?.sealed.equals(value)) {
      this.opened = { sealed: value, text: this.cipher.open(value, HEAD_OF).toString('utf8') };
    }
    return JSON.parse(this.opened.text) as Head;
  }
}

export function newTrailKey(): string {
  return randomBytes(32).toString('hex');
}

export function notAsWritten(kind: BoundKind): TimbreError {
  return new TimbreError(
    'STORAGE_INVALID',
    `a record (${kind}) is not as this service wrote it: another program changed it or put it back; ` +
      '`timbre doctor --data-dir` says which, and a backup has it',
  );
}

async function read(manager: EntityManager, names: readonly string[]): Promise<Map<string, Buffer>> {
  if (names.length === 0) return new Map();
  const { within, value } = dialectOf(manager).list(names);
  const rows = await askPrepared<RegisterRow>(manager, `SELECT name, value FROM register WHERE name IN ${within}`, [
    value,
  ]);
  return new Map(rows.map((row) => [row.name, row.value]));
}

/** Name of a record's entry in its owner's leaf. */
export function entryName(kind: BoundKind, id: readonly string[]): Buffer {
  return nameOf([kind, ...id]);
}

function ownerName(owner: string): Buffer {
  return nameOf([owner]);
}

function bucketOf(owner: string): number {
  return ownerName(owner)[0]!;
}

/** Each once; the leaf of the API keys is in none. */
function bucketsOf(owners: readonly string[]): number[] {
  return [...new Set(owners.filter((owner) => owner !== KEYS_OWNER).map(bucketOf))];
}

function nameOf(parts: readonly string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(parts)).digest().subarray(0, NAME_BYTES);
}

function label(kind: BoundKind, owner: string, id: readonly string[]): string {
  return JSON.stringify([kind, owner, ...id]);
}

function isOf(name: string, owner: string): boolean {
  return (JSON.parse(name) as string[])[1] === owner;
}

function slotOf(root: Buffer, slot: number): Buffer {
  return root.subarray(slot * DIGEST_BYTES, (slot + 1) * DIGEST_BYTES);
}

/** Entries in the order of their names, one after the other. */
function placeOf(entries: Buffer, name: Buffer): { at: number; found: boolean } {
  let [low, high] = [0, Math.floor(entries.length / ENTRY_BYTES)];
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = entries.compare(name, 0, NAME_BYTES, middle * ENTRY_BYTES, middle * ENTRY_BYTES + NAME_BYTES);
    if (order === 0) return { at: middle * ENTRY_BYTES, found: true };
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return { at: low * ENTRY_BYTES, found: false };
}

function lookUp(entries: Buffer, name: Buffer): Buffer | undefined {
  const { at, found } = placeOf(entries, name);
  return found ? entries.subarray(at + NAME_BYTES, at + ENTRY_BYTES) : undefined;
}

function withEntries(entries: Buffer, changes: readonly { name: Buffer; digest: Buffer | null }[]): Buffer {
  let now = entries;
  for (const { name, digest: own } of changes) {
    const { at, found } = placeOf(now, name);
    const rest = now.subarray(found ? at + ENTRY_BYTES : at);
    now = Buffer.concat([now.subarray(0, at), ...(own ? [name, own] : []), rest]);
  }
  return now;
}

function entriesOf(entries: Buffer): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (let at = 0; at < entries.length; at += ENTRY_BYTES) {
    const name = entries.subarray(at, at + NAME_BYTES).toString('hex');
    found.set(name, entries.subarray(at + NAME_BYTES, at + ENTRY_BYTES));
  }
  return found;
}

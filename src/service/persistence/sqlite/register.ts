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
import { RegisterEntity, type RegisterRow } from './entities/register.entity.js';
import { insertRows } from './rows.js';
import type { VectorCipher } from './vector-cipher.js';

/** Leaves are spread over so many; what is written anew for a record grows with its share of all leaves. */
const BUCKETS = 256;

/** Place of the API keys' leaf in the root, behind the buckets. */
const KEYS_SLOT = BUCKETS;

const NAME_BYTES = 16;
const ENTRY_BYTES = NAME_BYTES + DIGEST_BYTES;
const EMPTY = Buffer.alloc(0);
const ABSENT = Buffer.alloc(DIGEST_BYTES);
const EMPTY_ROOT = Buffer.alloc((BUCKETS + 1) * DIGEST_BYTES);

const HEAD = 'head';
const HEAD_OF = ['register head'];
const ROOT = 'root';
const bucketName = (bucket: number): string => `bucket ${bucket}`;
const leafName = (owner: string): string => (owner === KEYS_OWNER ? 'keys' : `of ${owner}`);

/** Reads of the head that another program's commits may fall between. */
const ATTEMPTS = 10;

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
  owner: string;
  name: Buffer;
  digest: Buffer | null;
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
  private readonly set = new Set<string>();
  private pending: number | undefined;

  constructor(private readonly cipher: VectorCipher) {}

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
    return rows.map((row) => this.compare(leaves.get(ownerOf(kind, row)) ?? EMPTY, kind, row));
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
    return pairs.map(([first, second]) => [
      this.compare(leaves.get(ownerOf(one, first)) ?? EMPTY, one, first),
      this.compare(leaves.get(ownerOf(other, second)) ?? EMPTY, other, second),
    ]);
  }

  /** Vouches for these rows as they are, in the transaction that writes them. */
  async bind<Kind extends BoundKind>(
    manager: EntityManager,
    kind: Kind,
    rows: readonly BoundRows[Kind][],
    more?: (head: Head) => void,
  ): Promise<void> {
    if (rows.length === 0 && !more) return;
    const changes = rows.map((row) => {
      const owner = ownerOf(kind, row);
      return { owner, name: entryName(kind, idOf(kind, row)), digest: digestOf(kind, row) };
    });
    await this.change(manager, changes, [], more);
    for (const row of rows) this.set.delete(label(kind, ownerOf(kind, row), idOf(kind, row)));
  }

  /** Vouches no more for a record, in the transaction that deletes it. */
  async release(manager: EntityManager, kind: BoundKind, owner: string, id: readonly string[]): Promise<void> {
    await this.change(manager, [{ owner, name: entryName(kind, id), digest: null }], []);
    this.set.delete(label(kind, owner, id));
  }

  /** The same for all that is a speaker's. */
  async releaseAll(manager: EntityManager, owner: string): Promise<void> {
    await this.change(manager, [], [owner]);
    for (const one of this.set) if (isOf(one, owner)) this.set.delete(one);
  }

  /** Errors: STORAGE_INVALID where it is lost. */
  async head(manager: EntityManager): Promise<Head> {
    const value = (await read(manager, [HEAD])).get(HEAD);
    return this.openHead(value);
  }

  /** Null where the database never had one: it is new, or from before the register. */
  async headIfAny(manager: EntityManager): Promise<Head | null> {
    const value = (await read(manager, [HEAD])).get(HEAD);
    return value ? this.openHead(value) : null;
  }

  /** Begins a register that vouches for nothing yet. */
  async begin(manager: EntityManager): Promise<void> {
    await manager.query('DELETE FROM register');
    const trail = { last: 0, mac: '', keys: [{ from: 1, key: newTrailKey() }], trimmed: [] };
    const sealing: SealingPlace = { table: 'speaker', after: 0 };
    const head = { database: randomUUID(), counter: 0, anchored: false, root: digest(EMPTY_ROOT).toString('hex') };
    const full: Head = { ...head, sealing, trail };
    await this.write(manager, full, [{ name: ROOT, value: EMPTY_ROOT }]);
  }

  /** Changes what the head says, in a transaction. Errors: as `head`. */
  async changeHead(manager: EntityManager, change: (head: Head) => void): Promise<Head> {
    const head = await this.head(manager);
    change(head);
    await this.write(manager, head, []);
    return head;
  }

  /** From now on nothing was counted. */
  beginTransaction(): void {
    this.pending = undefined;
  }

  /** The counter that was written since, if one was. */
  get counted(): number | undefined {
    return this.pending;
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

  private compare<Kind extends BoundKind>(leaf: Buffer, kind: Kind, row: BoundRows[Kind]): boolean {
    const id = idOf(kind, row);
    const known = lookUp(leaf, entryName(kind, id));
    const same = known?.equals(digestOf(kind, row)) ?? false;
    const name = label(kind, ownerOf(kind, row), id);
    if (same) this.set.delete(name);
    else this.set.add(name);
    return same;
  }

  private async change(
    manager: EntityManager,
    changes: readonly LeafChange[],
    gone: readonly string[],
    more?: (head: Head) => void,
  ): Promise<void> {
    const owners = [...new Set([...changes.map(({ owner }) => owner), ...gone])];
    const { head, root, buckets, leaves } = await this.find(manager, owners);
    const rows: RegisterRow[] = [];
    const byOwner = new Map<string, LeafChange[]>();
    for (const change of changes) byOwner.set(change.owner, [...(byOwner.get(change.owner) ?? []), change]);
    const newRoot = Buffer.from(root);
    for (const owner of owners) {
      const isGone = gone.includes(owner);
      const before = isGone ? EMPTY : (leaves.get(owner) ?? EMPTY);
      const leaf = withEntries(before, byOwner.get(owner) ?? []);
      if (!isGone) rows.push({ name: leafName(owner), value: leaf });
      if (owner === KEYS_OWNER) {
        digest(leaf).copy(newRoot, KEYS_SLOT * DIGEST_BYTES);
        continue;
      }
      const bucket = bucketOf(owner);
      const entry = { name: ownerName(owner), digest: isGone ? null : digest(leaf) };
      buckets.set(bucket, withEntries(buckets.get(bucket) ?? EMPTY, [entry]));
    }
    for (const bucket of new Set(owners.filter((owner) => owner !== KEYS_OWNER).map(bucketOf))) {
      const value = buckets.get(bucket)!;
      const known = { digest: digest(value), value };
      known.digest.copy(newRoot, bucket * DIGEST_BYTES);
      this.buckets.set(bucket, known);
      rows.push({ name: bucketName(bucket), value });
    }
    this.root = { digest: digest(newRoot), value: newRoot };
    head.root = this.root.digest.toString('hex');
    rows.push({ name: ROOT, value: newRoot });
    more?.(head);
    await this.write(manager, head, rows);
    if (gone.length > 0) {
      const names = JSON.stringify(gone.map(leafName));
      await manager.query('DELETE FROM register WHERE name IN (SELECT value FROM json_each(?))', [names]);
    }
  }

  private async write(manager: EntityManager, head: Head, rows: readonly RegisterRow[]): Promise<void> {
    head.counter++;
    const value = this.cipher.seal(Buffer.from(JSON.stringify(head)), HEAD_OF);
    await insertRows(manager, RegisterEntity, [{ name: HEAD, value }, ...rows], { replace: ['name'] });
    this.pending = head.counter;
  }

  /** One statement where what is above the leaves is known, two otherwise. */
  private async find(manager: EntityManager, owners: readonly string[]): Promise<Found> {
    const own = [...new Set(owners)];
    const needed = [...new Set(own.filter((owner) => owner !== KEYS_OWNER).map(bucketOf))];
    let stored = await read(manager, [HEAD, ...own.map(leafName)]);
    let same = false;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const missing = this.unknown(this.openHead(stored.get(HEAD)), needed);
      if (missing.length === 0 || same) break;
      // Everything of one moment: another program may have committed in between.
      const anew = await read(manager, [HEAD, ...own.map(leafName), ...missing]);
      this.learn(this.openHead(anew.get(HEAD)), needed, anew);
      same = anew.get(HEAD)!.equals(stored.get(HEAD)!);
      stored = anew;
    }
    // What is stored above does not have its digest, and counts as empty.
    return this.verified(this.openHead(stored.get(HEAD)), own, needed, stored);
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
      if (own.toString('hex') === head.root) this.root = { digest: own, value: root };
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

  private openHead(value: Buffer | undefined): Head {
    if (!value)
      throw new TimbreError('STORAGE_INVALID', 'the database has lost the head of its register; restore a backup');
    return JSON.parse(this.cipher.open(value, HEAD_OF).toString('utf8')) as Head;
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
  const rows = await manager.query<RegisterRow[]>(
    'SELECT name, value FROM register WHERE name IN (SELECT value FROM json_each(?))',
    [JSON.stringify(names)],
  );
  return new Map(rows.map(({ name, value }) => [name, value]));
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

import type { AuditEntry, AuditEvent, NewAuditEntry } from './audit-entry.js';

/** What a page of the trail has. */
export interface AuditFilter {
  subject?: string | undefined;
  /** At or after. */
  from?: Date | undefined;
  /** Before. */
  to?: Date | undefined;
}

/** Where a page begins: after this entry. */
export type AuditPlace = readonly [at: number, id: number];

/** What was recorded in a span of time comes in the order of the times, everything else in that of the ids. */
export function inOrderOfTime({ from, to }: AuditFilter): boolean {
  return from !== undefined || to !== undefined;
}

/** Only ever grows; the database itself refuses to change or delete an entry. */
export abstract class AuditRepository {
  /**
   * Records what the current actor does, within the transaction that does it: neither is there without the other.
   */
  abstract record(event: AuditEvent): Promise<void>;

  /** What happened before this transaction. */
  abstract append(entries: readonly NewAuditEntry[]): Promise<void>;

  /** Oldest first, in the order that `inOrderOfTime` tells. */
  abstract page(filter: AuditFilter, after: AuditPlace | null, limit: number): Promise<AuditEntry[]>;

  /** Deletes what is older, oldest first: the one way in which entries go. Returns how many. */
  abstract trim(before: Date, limit: number): Promise<number>;
}

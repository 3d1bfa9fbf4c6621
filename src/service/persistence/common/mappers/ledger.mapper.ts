import type { LedgerEntry } from '../../../records/ledger.js';
import type { LedgerRow } from '../entities/ledger.entity.js';

export function toLedgerEntry({ createdAt, model, frontEnd, undoneAt, ...row }: LedgerRow): LedgerEntry {
  return {
    ...row,
    at: new Date(createdAt),
    origin: model !== null && frontEnd !== null ? { model, frontEnd } : null,
    undoneAt: undoneAt === null ? null : new Date(undoneAt),
  };
}

export function toLedgerRow({ at, origin, undoneAt, ...entry }: LedgerEntry): LedgerRow {
  return {
    ...entry,
    createdAt: at.getTime(),
    model: origin?.model ?? null,
    frontEnd: origin?.frontEnd ?? null,
    undoneAt: undoneAt?.getTime() ?? null,
  };
}

import type { UseQueryResult } from '@tanstack/react-query';
import { Undo2 } from 'lucide-react';
import type { ReactNode } from 'react';
import { useAccess } from '../../api/context.js';
import { useFormat, type Messages } from '../../i18n/index.js';
import { Badge } from '../../ui/badge.js';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Failure } from '../../ui/failure.js';
import { Loading } from '../../ui/loading.js';
import { Pager, type usePages } from '../../ui/pager.js';
import { Table } from '../../ui/table.js';

/** What the ledgers of profiles and of unknown voices have in common. */
interface Entry {
  id: string;
  at: string;
  by: string | null;
  evidence: { cosine: number; llr: number | null } | null;
  undoneAt: string | null;
  undoable: boolean;
}

interface LedgerTableProps<Row extends Entry> {
  words: Omit<Messages['people']['ledger'], 'actions' | 'undone'>;
  ledger: UseQueryResult<{ entries: readonly Row[]; nextCursor: string | null }>;
  pages: ReturnType<typeof usePages>;
  actionOf: (entry: Row) => string;
  /** What stands behind the action. */
  more: (entry: Row) => ReactNode;
  /** Id of the entry that is being undone. */
  undoing: string | undefined;
  onUndo: (entryId: string) => void;
}

/** Entries of a ledger, newest first, with the way back. */
export function LedgerTable<Row extends Entry>(props: LedgerTableProps<Row>): ReactNode {
  const { words: t, ledger, pages, actionOf, more, undoing, onUndo } = props;
  const format = useFormat();
  const { may } = useAccess();
  const entries = ledger.data?.entries ?? [];
  return (
    <Card title={t.title}>
      {ledger.isPending && <Loading />}
      {ledger.isError && <Failure error={ledger.error} onRetry={() => void ledger.refetch()} />}
      {ledger.data && entries.length === 0 && <p className="muted">{t.none}</p>}
      {entries.length > 0 && (
        <Table caption={t.title} columns={[t.when, t.what, t.evidence, t.by, '']}>
          {entries.map((entry) => (
            <tr key={entry.id}>
              <td>
                <time dateTime={entry.at}>{format.dateTime(entry.at)}</time>
              </td>
              <td>
                {actionOf(entry)} {more(entry)}
              </td>
              <td className="numeric">
                {entry.evidence === null
                  ? '–'
                  : entry.evidence.llr === null
                    ? format.number(entry.evidence.cosine, 2)
                    : format.odds(entry.evidence.llr)}
              </td>
              <td className="mono">{entry.by ?? '–'}</td>
              <td>
                {entry.undoneAt !== null && <Badge>{t.undoneAt(format.dateTime(entry.undoneAt))}</Badge>}
                {entry.undoable && may('enrol') && (
                  <Button
                    aria-label={`${t.undo}: ${actionOf(entry)}`}
                    busy={undoing === entry.id}
                    onClick={() => onUndo(entry.id)}
                  >
                    <Undo2 aria-hidden />
                    {t.undo}
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {ledger.data && <Pager pages={pages} nextCursor={ledger.data.nextCursor} />}
    </Card>
  );
}

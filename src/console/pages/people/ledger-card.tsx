import { useMutation, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useApi } from '../../api/context.js';
import { useMessages } from '../../i18n/index.js';
import { usePages } from '../../ui/pager.js';
import { useToast } from '../../ui/toast.js';
import { LedgerTable } from '../ledger/ledger-table.js';

/** Every change of a profile. */
export function LedgerCard({ id, onChange }: { id: string; onChange: () => Promise<void> }): ReactNode {
  const t = useMessages().people.ledger;
  const api = useApi();
  const { tell, tellError } = useToast();
  const pages = usePages(id);
  const ledger = useQuery({
    queryKey: ['ledger', id, pages.cursor],
    queryFn: ({ signal }) =>
      api.call('listLedger', { id, limit: 20, ...(pages.cursor && { cursor: pages.cursor }) }, { signal }),
  });
  const undo = useMutation({
    mutationFn: (entryId: string) => api.call('undoEntry', { id, entryId }),
    onSuccess: async () => {
      await onChange();
      tell(t.undone);
    },
    onError: tellError,
  });
  return (
    <LedgerTable
      words={t}
      ledger={ledger}
      pages={pages}
      actionOf={({ action }) => t.actions[action]}
      more={({ otherSpeakerId }) =>
        otherSpeakerId !== null && (
          <Link href={`/people/${encodeURIComponent(otherSpeakerId)}`} dir="auto">
            {otherSpeakerId}
          </Link>
        )
      }
      undoing={undo.isPending ? undo.variables : undefined}
      onUndo={undo.mutate}
    />
  );
}

import { useMutation, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useApi } from '../../api/context.js';
import { useMessages } from '../../i18n/index.js';
import { usePages } from '../../ui/pager.js';
import { useToast } from '../../ui/toast.js';
import { LedgerTable } from '../ledger/ledger-table.js';
import { shortOf } from './voice-state.js';

interface StepsCardProps {
  id: string;
  onChange: () => Promise<void>;
  /** Nothing is left of the voice. */
  onGone: () => Promise<void>;
}

/** Every step about a voice. */
export function StepsCard({ id, onChange, onGone }: StepsCardProps): ReactNode {
  const { unknownVoices } = useMessages();
  const t = unknownVoices.ledger;
  const api = useApi();
  const { tell, tellError } = useToast();
  const pages = usePages(id);
  const ledger = useQuery({
    queryKey: ['voice ledger', id, pages.cursor],
    queryFn: ({ signal }) =>
      api.call('listVoiceLedger', { id, limit: 20, ...(pages.cursor && { cursor: pages.cursor }) }, { signal }),
  });
  const undo = useMutation({
    mutationFn: (entryId: string) => api.call('undoVoiceStep', { id, entryId }),
    onSuccess: async ({ voice }) => {
      await (voice === null ? onGone() : onChange());
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
      more={({ voiceId, otherId, reason }) => {
        const other = voiceId === id ? otherId : voiceId;
        return (
          <>
            {other !== null && <Link href={`/unknown-voices/${other}`}>{unknownVoices.voice(shortOf(other))}</Link>}
            {reason !== null && (
              <div className="muted" dir="auto">
                {reason}
              </div>
            )}
          </>
        );
      }}
      undoing={undo.isPending ? undo.variables : undefined}
      onUndo={undo.mutate}
    />
  );
}

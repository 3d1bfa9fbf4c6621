import { useMutation, useQuery } from '@tanstack/react-query';
import { Undo2 } from 'lucide-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useAccess, useApi } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Badge } from '../../ui/badge.js';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Failure } from '../../ui/failure.js';
import { Loading } from '../../ui/loading.js';
import { Pager, usePages } from '../../ui/pager.js';
import { Table } from '../../ui/table.js';
import { useToast } from '../../ui/toast.js';
import { shortOf } from './voice-state.js';

interface StepsCardProps {
  id: string;
  onChange: () => Promise<void>;
  /** Nothing is left of the voice. */
  onGone: () => Promise<void>;
}

/** Every step about a voice, newest first, with the way back. */
export function StepsCard({ id, onChange, onGone }: StepsCardProps): ReactNode {
  const { unknownVoices } = useMessages();
  const t = unknownVoices.ledger;
  const format = useFormat();
  const api = useApi();
  const { may } = useAccess();
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
  const entries = ledger.data?.entries ?? [];
  return (
    <Card title={t.title}>
      {ledger.isPending && <Loading />}
      {ledger.isError && <Failure error={ledger.error} onRetry={() => void ledger.refetch()} />}
      {ledger.data && entries.length === 0 && <p className="muted">{t.none}</p>}
      {entries.length > 0 && (
        <Table caption={t.title} columns={[t.when, t.what, t.evidence, t.by, '']}>
          {entries.map((entry) => {
            const other = entry.voiceId === id ? entry.otherId : entry.voiceId;
            return (
              <tr key={entry.id}>
                <td>
                  <time dateTime={entry.at}>{format.dateTime(entry.at)}</time>
                </td>
                <td>
                  {t.actions[entry.action]}{' '}
                  {other !== null && (
                    <Link href={`/unknown-voices/${other}`}>{unknownVoices.voice(shortOf(other))}</Link>
                  )}
                  {entry.reason !== null && (
                    <div className="muted" dir="auto">
                      {entry.reason}
                    </div>
                  )}
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
                      aria-label={`${t.undo}: ${t.actions[entry.action]}`}
                      busy={undo.isPending && undo.variables === entry.id}
                      onClick={() => undo.mutate(entry.id)}
                    >
                      <Undo2 aria-hidden />
                      {t.undo}
                    </Button>
                  )}
                </td>
              </tr>
            );
          })}
        </Table>
      )}
      {ledger.data && <Pager pages={pages} nextCursor={ledger.data.nextCursor} />}
    </Card>
  );
}

import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { Answer } from '../../../client/index.js';
import { useAccess, useApi, useInfo } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Button } from '../../ui/button.js';
import { Confirm } from '../../ui/confirm.js';
import { Failure } from '../../ui/failure.js';
import { useToast } from '../../ui/toast.js';

interface KeptRecordingsProps {
  person: Answer<'getSpeaker'>;
  onChange: () => Promise<void>;
}

/** How many of somebody's recordings are kept as audio, whether the next one will be, and the way to remove them. */
export function KeptRecordings({ person: { id, recordingsKept }, onChange }: KeptRecordingsProps): ReactNode {
  const t = useMessages().people.audio;
  const format = useFormat();
  const api = useApi();
  const info = useInfo();
  const { may } = useAccess();
  const { tell } = useToast();
  const [removing, setRemoving] = useState(false);
  const keeping = useQuery({
    queryKey: ['keeping', id],
    queryFn: ({ signal }) => api.call('listRecordings', { id, limit: 1 }, { signal }),
  });
  return (
    <>
      {keeping.isError && <Failure error={keeping.error} onRetry={() => void keeping.refetch()} />}
      {keeping.data && (
        <p className="muted">
          {recordingsKept === 0 ? t.none : format.plural(recordingsKept, ...t.count)} {t.next[whyOf(keeping.data)]}{' '}
          {keeping.data.keeps && info && t.exceptions(format.bytes(info.recordings.largestBytes))}
        </p>
      )}
      {may('enrol') && recordingsKept > 0 && (
        <div className={layout['row']}>
          <Button kind="danger" onClick={() => setRemoving(true)}>
            {t.remove}
          </Button>
        </div>
      )}
      <Confirm
        open={removing}
        onClose={() => setRemoving(false)}
        title={t.removeTitle}
        description={t.removeHint}
        action={t.remove}
        danger
        onConfirm={async () => {
          const { removed } = await api.call('removeRecordings', { id });
          await onChange();
          tell(format.plural(removed, ...t.removed));
        }}
      />
    </>
  );
}

function whyOf({ keeps, from }: Answer<'listRecordings'>): 'kept' | 'group' | 'service' {
  if (keeps) return 'kept';
  return from === 'group' ? 'group' : 'service';
}

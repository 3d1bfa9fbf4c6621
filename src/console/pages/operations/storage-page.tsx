import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { TimbreError, type Answer } from '../../../client/index.js';
import { useApi } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Badge } from '../../ui/badge.js';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Confirm } from '../../ui/confirm.js';
import { Facts } from '../../ui/facts.js';
import { Failure } from '../../ui/failure.js';
import { Loading } from '../../ui/loading.js';
import { Notice, type Tone } from '../../ui/notice.js';
import { Progress } from '../../ui/progress.js';
import layout from '../../styles/layout.module.css';

type Rotation = Answer<'getDataKeyRotation'>;

const RETENTION = ['retention'] as const;
const ROTATION = ['rotation'] as const;
const POLL_MS = 2000;
const CLOCK_MS = 20_000;
const TONES: Record<Rotation['state'], Tone> = { idle: 'good', running: 'info', failed: 'bad' };

/** What is done with what is stored: what goes by age, and the key that it is under. */
export default function StoragePage(): ReactNode {
  return (
    <div className={layout['stack']}>
      <RetentionCard />
      <RotationCard />
    </div>
  );
}

function RetentionCard(): ReactNode {
  const t = useMessages().upkeep.retention;
  const format = useFormat();
  const api = useApi();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const retention = useQuery({
    queryKey: RETENTION,
    queryFn: ({ signal }) => api.call('getRetention', {}, { signal }),
    // Whoever says that the clock is right has seen what it shows.
    refetchInterval: CLOCK_MS,
  });
  if (retention.isPending) return <Loading />;
  if (retention.isError) return <Failure error={retention.error} onRetry={() => void retention.refetch()} />;
  const { state, heartbeat, now } = retention.data;
  const paused = state === 'paused';
  return (
    <Card title={t.title} actions={<Badge tone={paused ? 'warn' : 'good'}>{t.states[state]}</Badge>}>
      <p className="muted">{t.lead}</p>
      <Facts
        facts={[
          [t.now, format.dateTime(now)],
          [t.heartbeat, heartbeat === null ? t.never : format.dateTime(heartbeat)],
        ]}
      />
      {paused && (
        <Notice tone="warn" title={t.paused}>
          {t.pausedHint}
          <Button onClick={() => setAsking(true)}>{t.confirm}</Button>
        </Notice>
      )}
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title={t.confirmTitle(format.dateTime(now))}
        description={t.confirmHint}
        action={t.confirm}
        danger
        onConfirm={async () => {
          const confirmed = await api.call('confirmClock');
          queries.setQueryData(RETENTION, confirmed);
          await queries.invalidateQueries({ queryKey: ['ready'] });
        }}
      />
    </Card>
  );
}

function RotationCard(): ReactNode {
  const t = useMessages().upkeep.rotation;
  const format = useFormat();
  const api = useApi();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const rotation = useQuery({
    queryKey: ROTATION,
    queryFn: ({ signal }) => api.call('getDataKeyRotation', {}, { signal }),
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? POLL_MS : false),
  });
  if (rotation.isPending) return <Loading />;
  if (rotation.isError) return <Failure error={rotation.error} onRetry={() => void rotation.refetch()} />;
  const { state, done, total, keys, finishedAt, failure } = rotation.data;
  const rotate = keys > 1 ? t.goOn : t.rotate;
  return (
    <Card
      title={t.title}
      actions={
        <span className={layout['row']}>
          <Badge tone={TONES[state]}>{t.states[state]}</Badge>
          {state !== 'running' && <Button onClick={() => setAsking(true)}>{rotate}</Button>}
        </span>
      }
    >
      <p className="muted">{t.lead}</p>
      <Progress
        label={t.vectors}
        text={t.counts(format.number(done), format.number(total))}
        value={total === 0 ? 1 : done / total}
        tone={state === 'failed' ? 'bad' : done === total ? 'good' : 'accent'}
      />
      <Facts
        facts={[
          [t.keys, format.number(keys)],
          [t.finished, finishedAt === null ? t.never : format.dateTime(finishedAt)],
        ]}
      />
      {failure !== null && (
        <Notice tone="bad" title={t.failed}>
          {failure}
        </Notice>
      )}
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title={t.title}
        description={t.rotateHint}
        action={rotate}
        sentenceOf={(error) =>
          // The code of a record that changed meanwhile, too, which is what it means everywhere else.
          error instanceof TimbreError && error.code === 'CONFLICT' ? t.otherNodes : undefined
        }
        onConfirm={async () => queries.setQueryData(ROTATION, await api.call('rotateDataKey'))}
      />
    </Card>
  );
}

import { useQuery } from '@tanstack/react-query';
import { Users } from 'lucide-react';
import { useEffect, useState, type ReactNode } from 'react';
import { useAccess, useApi } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Failure } from '../../ui/failure.js';
import { FileDrop } from '../../ui/file-drop.js';
import { Loading } from '../../ui/loading.js';
import { Notice } from '../../ui/notice.js';
import { PageHeader } from '../../ui/page-header.js';
import type { MeasuresMessage } from './measures-worker.js';
import type { EnrolledTrials } from './people-measures.js';
import { PeopleTrials } from './people-trials.js';
import { Results } from './results.js';
import { SavedCalibrations } from './saved-calibrations.js';
import layout from '../../styles/layout.module.css';

/** Of a list's text: two million trials with names. */
const LARGEST = 256 * 1024 * 1024;

/** What is measured; `asked`: how often the service was. */
type Source = { is: 'list'; file: File } | { is: 'people'; asked: number } | { is: 'nothing' };

export default function AccuracyPage(): ReactNode {
  const t = useMessages().accuracy;
  const format = useFormat();
  const access = useAccess();
  const api = useApi();
  const [source, setSource] = useState<Source>({ is: 'nothing' });
  const file = source.is === 'list' ? source.file : null;
  const asked = source.is === 'people' ? source.asked : 0;
  const people = useQuery({
    queryKey: ['enrolled trials', asked],
    queryFn: ({ signal }) => api.call('getEnrolledTrials', {}, { signal }),
    enabled: asked > 0,
    // Each comparison is an entry of the audit trail: none is made but by the button.
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
  });
  const compared = asked > 0 ? (people.data ?? null) : null;
  const tooLarge = file !== null && file.size > LARGEST;
  const told = useMeasures(tooLarge ? null : (file ?? compared));
  const measures = told === null || told.is === 'refused' ? null : told.measures;
  const failed = asked > 0 && people.isError;
  const waiting = source.is !== 'nothing' && !tooLarge && !failed && told === null;
  return (
    <>
      <PageHeader title={t.title} lead={t.lead} />
      <div className={layout['stack']}>
        <Card title={t.list.title}>
          <FileDrop
            label={t.list.drop}
            choose={t.list.choose}
            hint={t.list.hint}
            accept=".txt,.tsv,.csv,.json,.jsonl,text/*"
            file={file}
            onFile={(dropped) => setSource({ is: 'list', file: dropped })}
          />
          {access.may('admin') && access.groups === null && (
            <div className={layout['row']}>
              <Button
                busy={asked > 0 && people.isFetching}
                onClick={() => setSource({ is: 'people', asked: performance.now() })}
              >
                <Users aria-hidden /> {t.people.use}
              </Button>
              <span className={layout['fine']}>{t.people.hint}</span>
            </div>
          )}
          {tooLarge && <Notice tone="bad">{t.list.tooLarge(format.bytes(LARGEST))}</Notice>}
          {told?.is === 'refused' && <Notice tone="bad">{told.why}</Notice>}
          {failed && <Failure error={people.error} onRetry={() => void people.refetch()} />}
          {compared && <PeopleTrials of={compared} told={told?.is === 'people' ? told : null} />}
        </Card>
        {source.is === 'nothing' && (
          <EmptyState title={t.none}>
            <p>{t.noneHint}</p>
          </EmptyState>
        )}
        {waiting && <Loading />}
        {measures && <Results measures={measures} of={source.is === 'people' ? 'people' : 'list'} />}
        {access.known && access.groups === null && <SavedCalibrations />}
      </div>
    </>
  );
}

/** What a list says, or what people are compared by, counted beside the page; null until it is there. */
function useMeasures(source: File | EnrolledTrials | null): MeasuresMessage | null {
  const [told, setTold] = useState<{ of: File | EnrolledTrials; message: MeasuresMessage } | null>(null);
  useEffect(() => {
    if (!source) return undefined;
    const worker = new Worker(new URL('./measures-worker.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<MeasuresMessage>) =>
      setTold({ of: source, message: data }),
    );
    worker.addEventListener('error', ({ message }) =>
      setTold({ of: source, message: { is: 'refused', why: message } }),
    );
    worker.postMessage(source);
    return () => worker.terminate();
  }, [source]);
  return told !== null && told.of === source ? told.message : null;
}

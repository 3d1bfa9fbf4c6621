import { useEffect, useState, type ReactNode } from 'react';
import { useAccess } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Card } from '../../ui/card.js';
import { EmptyState } from '../../ui/empty-state.js';
import { FileDrop } from '../../ui/file-drop.js';
import { Loading } from '../../ui/loading.js';
import { Notice } from '../../ui/notice.js';
import { PageHeader } from '../../ui/page-header.js';
import type { MeasuresMessage } from './measures-worker.js';
import { Results } from './results.js';
import { SavedCalibrations } from './saved-calibrations.js';
import layout from '../../styles/layout.module.css';

/** Of a list's text: two million trials with names. */
const LARGEST = 256 * 1024 * 1024;

export default function AccuracyPage(): ReactNode {
  const t = useMessages().accuracy;
  const format = useFormat();
  const [file, setFile] = useState<File | null>(null);
  const access = useAccess();
  const tooLarge = file !== null && file.size > LARGEST;
  const told = useMeasures(tooLarge ? null : file);
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
            onFile={setFile}
          />
          {tooLarge && <Notice tone="bad">{t.list.tooLarge(format.bytes(LARGEST))}</Notice>}
          {told?.is === 'refused' && <Notice tone="bad">{told.why}</Notice>}
        </Card>
        {file === null && (
          <EmptyState title={t.none}>
            <p>{t.noneHint}</p>
          </EmptyState>
        )}
        {file !== null && !tooLarge && told === null && <Loading />}
        {told?.is === 'measures' && <Results measures={told.measures} />}
        {access.known && access.groups === null && <SavedCalibrations />}
      </div>
    </>
  );
}

/** What a list says, counted beside the page; null until it is there. */
function useMeasures(file: File | null): MeasuresMessage | null {
  const [told, setTold] = useState<{ of: File; message: MeasuresMessage } | null>(null);
  useEffect(() => {
    if (!file) return undefined;
    const worker = new Worker(new URL('./measures-worker.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<MeasuresMessage>) =>
      setTold({ of: file, message: data }),
    );
    worker.addEventListener('error', ({ message }) => setTold({ of: file, message: { is: 'refused', why: message } }));
    worker.postMessage(file);
    return () => worker.terminate();
  }, [file]);
  return told !== null && told.of === file ? told.message : null;
}

import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { Answer } from '../../../client/index.js';
import { useAccess, useApi } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Confirm } from '../../ui/confirm.js';
import { Failure } from '../../ui/failure.js';
import { TextField } from '../../ui/field.js';
import { Loading } from '../../ui/loading.js';
import { Pager, usePages } from '../../ui/pager.js';
import { Table } from '../../ui/table.js';
import { ConsentFields, consentOf, NO_CONSENT } from './consent-fields.js';
import { KeptRecordings } from './kept-recordings.js';
import { RecordingRow } from './recording-row.js';

type Recording = Answer<'listEnrollments'>['enrollments'][number];

interface RecordingsCardProps {
  person: Answer<'getSpeaker'>;
  onChange: () => Promise<void>;
}

/** The recordings behind a profile: which count, which do not, and why. */
export function RecordingsCard({ person, onChange }: RecordingsCardProps): ReactNode {
  const { id } = person;
  const t = useMessages().people.recordings;
  const { column } = useMessages().people.audio;
  const format = useFormat();
  const api = useApi();
  const { may } = useAccess();
  const pages = usePages(id);
  const [removed, setRemoved] = useState<Recording | null>(null);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [splitting, setSplitting] = useState(false);
  const list = useQuery({
    queryKey: ['recordings', id, pages.cursor],
    queryFn: ({ signal }) =>
      api.call('listEnrollments', { id, limit: 50, ...(pages.cursor && { cursor: pages.cursor }) }, { signal }),
  });
  const recordings = list.data?.enrollments ?? [];
  const toggle = (one: string): void => {
    const next = new Set(chosen);
    if (!next.delete(one)) next.add(one);
    setChosen(next);
  };
  const columns = [t.when, t.file, t.speech, t.verdict, t.quality, t.agreement, column];
  return (
    <Card
      title={t.title}
      actions={
        may('enrol') &&
        chosen.size > 0 && <Button onClick={() => setSplitting(true)}>{t.split(format.number(chosen.size))}</Button>
      }
    >
      {list.isPending && <Loading />}
      {list.isError && <Failure error={list.error} onRetry={() => void list.refetch()} />}
      {list.data && recordings.length === 0 && <p className="muted">{t.none}</p>}
      {recordings.length > 0 && (
        <Table
          caption={t.title}
          columns={
            may('enrol')
              ? [
                  <span key="choose" className="visually-hidden">
                    {t.choose}
                  </span>,
                  ...columns,
                  '',
                ]
              : columns
          }
        >
          {recordings.map((recording) => (
            <RecordingRow
              key={recording.id}
              person={id}
              recording={recording}
              chosen={chosen.has(recording.id)}
              onToggle={() => toggle(recording.id)}
              onRemove={() => setRemoved(recording)}
            />
          ))}
        </Table>
      )}
      {list.data && <Pager pages={pages} nextCursor={list.data.nextCursor} />}
      {list.data && <KeptRecordings person={person} onChange={onChange} />}
      <Confirm
        open={removed !== null}
        onClose={() => setRemoved(null)}
        title={t.remove}
        description={t.removeHint}
        action={t.remove}
        danger
        onConfirm={async () => {
          await api.call('deleteEnrollment', { id, enrollmentId: removed!.id });
          await onChange();
        }}
      />
      {splitting && (
        <Split
          id={id}
          recordings={[...chosen]}
          onClose={() => setSplitting(false)}
          onDone={async () => {
            setChosen(new Set());
            await onChange();
          }}
        />
      )}
    </Card>
  );
}

interface SplitProps {
  id: string;
  recordings: string[];
  onClose: () => void;
  onDone: () => Promise<void>;
}

/** Recordings that are somebody else's become that person's. */
function Split({ id, recordings, onClose, onDone }: SplitProps): ReactNode {
  const t = useMessages().people.recordings;
  const api = useApi();
  const format = useFormat();
  const [newId, setNewId] = useState('');
  const [name, setName] = useState('');
  const [consent, setConsent] = useState(NO_CONSENT);
  return (
    <Confirm
      open
      onClose={onClose}
      title={t.split(format.number(recordings.length))}
      description={t.splitHint}
      action={t.splitAction}
      onConfirm={async () => {
        const given = consentOf(consent);
        await api.call('splitSpeaker', {
          id,
          json: {
            recordings,
            ...(newId.trim() !== '' && { id: newId.trim() }),
            ...(name.trim() !== '' && { name: name.trim() }),
            ...(given && { consent: given }),
          },
        });
        await onDone();
      }}
    >
      <div className={layout['tight']}>
        <TextField label={t.newName} value={name} onChange={setName} maxLength={200} dir="auto" />
        <TextField label={t.newId} value={newId} onChange={setNewId} maxLength={128} dir="auto" />
        <ConsentFields value={consent} onChange={setConsent} />
      </div>
    </Confirm>
  );
}

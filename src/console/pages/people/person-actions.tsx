import { useState, type ReactNode } from 'react';
import type { Answer } from '../../../client/index.js';
import { useAccess, useApi } from '../../api/context.js';
import { downloadJson } from '../../api/download.js';
import { useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Confirm } from '../../ui/confirm.js';
import { TextField } from '../../ui/field.js';
import { useToast } from '../../ui/toast.js';
import { personName } from './person-state.js';

interface PersonActionsProps {
  person: Answer<'getSpeaker'>;
  onChange: () => Promise<void>;
  onErased: (receipt: Answer<'eraseSpeaker'>) => void;
}

/** What is done to somebody as a whole. */
export function PersonActions({ person, onChange, onErased }: PersonActionsProps): ReactNode {
  const t = useMessages().people.actions;
  const api = useApi();
  const { may } = useAccess();
  const { tell, tellError } = useToast();
  const [asking, setAsking] = useState<'rename' | 'merge' | 'erase' | null>(null);
  const [busy, setBusy] = useState(false);
  const [name, setName] = useState(person.name ?? '');
  const [from, setFrom] = useState('');
  const [typed, setTyped] = useState('');
  const { id } = person;
  const close = (): void => setAsking(null);

  const exportAll = async (): Promise<void> => {
    setBusy(true);
    try {
      downloadJson(`${id}.json`, await api.call('exportSpeaker', { id }));
    } catch (error) {
      tellError(error);
    } finally {
      setBusy(false);
    }
  };

  if (!may('enrol') && !may('admin')) return null;
  return (
    <Card title={t.title}>
      <div className={layout['row']}>
        {may('enrol') && <Button onClick={() => setAsking('rename')}>{t.rename}</Button>}
        {may('enrol') && <Button onClick={() => setAsking('merge')}>{t.merge}</Button>}
        {may('admin') && (
          <Button busy={busy} onClick={() => void exportAll()}>
            {t.export}
          </Button>
        )}
        {may('admin') && (
          <Button kind="danger" onClick={() => setAsking('erase')}>
            {t.erase}
          </Button>
        )}
      </div>
      <Confirm
        open={asking === 'rename'}
        onClose={close}
        title={t.rename}
        description={t.renameHint}
        action={t.rename}
        disabled={name.trim() === ''}
        onConfirm={async () => {
          // Whoever else has changed this person meanwhile is not written over; what they wrote is shown, for another decision.
          await api
            .call('updateSpeaker', { id, json: { name: name.trim(), version: person.version } })
            .finally(onChange);
        }}
      >
        <TextField label={t.name} value={name} onChange={setName} maxLength={200} dir="auto" />
      </Confirm>
      <Confirm
        open={asking === 'merge'}
        onClose={close}
        title={t.merge}
        description={t.mergeHint(personName(person))}
        action={t.merge}
        disabled={from.trim() === ''}
        onConfirm={async () => {
          await api.call('mergeSpeakers', { id, json: { from: from.trim() } });
          await onChange();
          tell(t.merged);
        }}
      >
        <TextField label={t.mergeFrom} value={from} onChange={setFrom} maxLength={128} dir="auto" />
      </Confirm>
      <Confirm
        open={asking === 'erase'}
        onClose={close}
        title={t.eraseTitle(personName(person))}
        description={t.eraseHint}
        action={t.erase}
        danger
        disabled={typed.trim().normalize('NFC') !== id}
        onConfirm={async () => {
          const receipt = await api.call('eraseSpeaker', { id });
          onErased(receipt);
          await onChange();
        }}
      >
        <TextField label={t.typeId(id)} value={typed} onChange={setTyped} autoComplete="off" dir="auto" />
      </Confirm>
    </Card>
  );
}

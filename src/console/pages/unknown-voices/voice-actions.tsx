import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useAccess, useApi } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Confirm } from '../../ui/confirm.js';
import { Select, TextField } from '../../ui/field.js';
import { useToast } from '../../ui/toast.js';
import { ConsentFields, consentOf, NO_CONSENT } from '../people/consent-fields.js';
import { PersonChoice } from '../verify/person-choice.js';
import { shortOf, type UnknownVoice } from './voice-state.js';

const MOST_OFFERED = 100;
const LONGEST_REASON = 200;

interface VoiceActionsProps {
  voice: UnknownVoice;
  onChange: () => Promise<void>;
  /** Nothing is left of the voice. */
  onGone: () => Promise<void>;
}

type Asking = 'name' | 'merge' | 'dismiss' | 'block' | 'remove';

/** What somebody says that a voice is. */
export function VoiceActions({ voice, onChange, onGone }: VoiceActionsProps): ReactNode {
  const t = useMessages().unknownVoices.actions;
  const api = useApi();
  const { may } = useAccess();
  const { tell } = useToast();
  const [asking, setAsking] = useState<Asking | null>(null);
  const [reason, setReason] = useState('');
  const { id, version, state } = voice;
  const close = (): void => {
    setAsking(null);
    setReason('');
  };
  const said = { version, ...(reason.trim() !== '' && { reason: reason.trim() }) };
  const why = <TextField label={t.reason} value={reason} onChange={setReason} maxLength={LONGEST_REASON} dir="auto" />;
  if (!may('enrol')) return null;
  return (
    <Card title={t.title}>
      <div className={layout['row']}>
        {state === 'open' && (
          <>
            <Button kind="primary" onClick={() => setAsking('name')}>
              {t.name}
            </Button>
            <Button onClick={() => setAsking('merge')}>{t.merge}</Button>
            <Button onClick={() => setAsking('dismiss')}>{t.dismiss}</Button>
            <Button kind="danger" onClick={() => setAsking('block')}>
              {t.block}
            </Button>
          </>
        )}
        <Button kind="danger" onClick={() => setAsking('remove')}>
          {t.remove}
        </Button>
      </div>
      <NameDialog open={asking === 'name'} voice={voice} onClose={close} onChange={onChange} />
      <MergeDialog open={asking === 'merge'} voice={voice} onClose={close} onChange={onChange} />
      <Confirm
        open={asking === 'dismiss'}
        onClose={close}
        title={t.dismiss}
        description={t.dismissHint}
        action={t.dismiss}
        onConfirm={async () => {
          await api.call('dismissUnknownVoice', { id, json: said });
          await onChange();
          tell(t.dismissed);
        }}
      >
        {why}
      </Confirm>
      <Confirm
        open={asking === 'block'}
        onClose={close}
        title={t.blockTitle}
        description={t.blockHint}
        action={t.block}
        danger
        onConfirm={async () => {
          await api.call('blockUnknownVoice', { id, json: said });
          await onChange();
          tell(t.blocked);
        }}
      >
        {why}
      </Confirm>
      <Confirm
        open={asking === 'remove'}
        onClose={close}
        title={t.removeTitle}
        description={t.removeHint}
        action={t.remove}
        danger
        onConfirm={async () => {
          await api.call('deleteUnknownVoice', { id });
          tell(t.removed);
          await onGone();
        }}
      />
    </Card>
  );
}

interface DialogProps {
  open: boolean;
  voice: UnknownVoice;
  onClose: () => void;
  onChange: () => Promise<void>;
}

function NameDialog({ open, voice: { id, version }, onClose, onChange }: DialogProps): ReactNode {
  const t = useMessages().unknownVoices.actions;
  const api = useApi();
  const { tell } = useToast();
  const [who, setWho] = useState<keyof typeof t.whos>('create');
  const [name, setName] = useState('');
  const [newId, setNewId] = useState('');
  const [known, setKnown] = useState('');
  const [consent, setConsent] = useState(NO_CONSENT);
  const given = consentOf(consent);
  const lacks = who === 'create' ? name.trim() === '' : known.trim() === '';
  return (
    <Confirm
      open={open}
      onClose={onClose}
      title={t.name}
      description={t.nameHint}
      action={t.name}
      disabled={lacks || (consent.agreed && given === null)}
      onConfirm={async () => {
        const person =
          who === 'known'
            ? { speakerId: known.trim() }
            : { create: { name: name.trim(), ...(newId.trim() !== '' && { id: newId.trim() }) } };
        const json = { ...person, version, ...(given && { consent: given }) };
        const { voice } = await api.call('nameUnknownVoice', { id, json });
        await onChange();
        tell(t.named(voice.name ?? voice.speakerId ?? ''));
      }}
    >
      <div className={layout['tight']}>
        <Select
          label={t.who}
          value={who}
          options={Object.entries(t.whos) as [keyof typeof t.whos, string][]}
          onChange={setWho}
        />
        {who === 'create' ? (
          <>
            <TextField label={t.newName} value={name} onChange={setName} maxLength={200} dir="auto" />
            <TextField label={t.newId} value={newId} onChange={setNewId} maxLength={128} dir="auto" />
          </>
        ) : (
          <PersonChoice value={known} onChange={setKnown} />
        )}
        <ConsentFields value={consent} onChange={setConsent} />
      </div>
    </Confirm>
  );
}

function MergeDialog({ open, voice: { id, version }, onClose, onChange }: DialogProps): ReactNode {
  const { unknownVoices } = useMessages();
  const t = unknownVoices.actions;
  const api = useApi();
  const format = useFormat();
  const { tell } = useToast();
  const [from, setFrom] = useState('');
  const list = useQuery({
    queryKey: ['unknown voices', 'offered'],
    queryFn: ({ signal }) => api.call('listUnknownVoices', { limit: MOST_OFFERED }, { signal }),
    enabled: open,
  });
  const others = (list.data?.voices ?? []).filter((one) => one.id !== id);
  const chosen = others.some((one) => one.id === from) ? from : (others[0]?.id ?? '');
  return (
    <Confirm
      open={open}
      onClose={onClose}
      title={t.merge}
      description={t.mergeHint}
      action={t.merge}
      disabled={chosen === ''}
      onConfirm={async () => {
        await api.call('mergeUnknownVoices', { id, json: { from: chosen, version } });
        await onChange();
        tell(t.merged);
      }}
    >
      {list.data && others.length === 0 ? (
        <p className="muted">{t.mergeNone}</p>
      ) : (
        <Select
          label={t.mergeWith}
          value={chosen}
          options={others.map((one) => [
            one.id,
            `${unknownVoices.voice(shortOf(one.id))} · ${format.seconds(one.speechSeconds)} · ${format.dateTime(one.lastHeardAt)}`,
          ])}
          onChange={setFrom}
        />
      )}
    </Confirm>
  );
}

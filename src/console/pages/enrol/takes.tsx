import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { Answer } from '../../../client/index.js';
import { TimbreError } from '../../../client/index.js';
import { useAccess, useApi, useInfo } from '../../api/context.js';
import { Player } from '../../audio/player.js';
import { RecordingSource } from '../../audio/recording-source.js';
import { useErrorText } from '../../i18n/errors.js';
import { useFormat, useLanguage, useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Badge } from '../../ui/badge.js';
import { Button, ButtonLink } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Checkbox, Select } from '../../ui/field.js';
import { Notice } from '../../ui/notice.js';
import { Progress } from '../../ui/progress.js';
import { RecordingVerdict } from '../people/recording-verdict.js';
import { PROMPT_LANGUAGES, PROMPTS, type PromptLanguage } from './prompts.js';
import { useTakes, type Take } from './takes-of-people.js';
import css from './takes.module.css';

/** Recordings of somebody, listened to before they are sent, and what the service says of each. */
export function Takes({ person }: { person: Answer<'getSpeaker'> }): ReactNode {
  const t = useMessages().enrol;
  const format = useFormat();
  const api = useApi();
  const info = useInfo();
  const { may } = useAccess();
  const queries = useQueryClient();
  const { takes, add, change, discard } = useTakes(person.id);
  const [duplicate, setDuplicate] = useState<string | null>(null);
  const [oneVoice, setOneVoice] = useState(true);
  const tellsVoicesApart = info?.conversations === 'ready';

  const send = async ({ key, file }: Take): Promise<void> => {
    change(key, { state: 'sending', error: null });
    try {
      const answer = await api.call('enrol', {
        id: person.id,
        form: {
          audio: [file],
          ...(may('admin') && { duplicates: 'true' }),
          ...(tellsVoicesApart && oneVoice && { oneVoice: 'true' }),
        },
      });
      change(key, { state: 'done', result: answer.results[0]! });
      setDuplicate(answer.possibleDuplicate?.speakerId ?? null);
      queries.setQueryData(['person', person.id], answer.speaker);
    } catch (error) {
      // The recording is still here, and is sent again as it is; the service knows one it has by its content.
      change(key, { state: 'failed', error });
    }
  };

  const ready = takes.filter(({ state }) => state === 'ready' || state === 'failed');
  const sendAll = async (): Promise<void> => {
    for (const take of ready) await send(take);
  };
  const { enrollmentsSpeechLengthInSec: there, remainingEnrollmentsSpeechLengthInSec: missing } = person;
  const optedOut = person.consentStatus === 'WITHDRAWN';
  const blocked = person.consentStatus === 'GIVEN' ? undefined : t.consentBeforeMicrophone;
  const filesBlocked = optedOut || (person.consentStatus !== 'GIVEN' && info?.consent !== 'optional');
  return (
    <>
      <Card title={t.progress}>
        <Progress
          label={t.speech}
          text={missing > 0 ? t.missing(format.seconds(there), format.seconds(missing)) : format.seconds(there)}
          value={there / (there + missing || 1)}
          tone={missing > 0 ? 'accent' : 'good'}
        />
        {missing === 0 && (
          <Notice tone="good" title={t.enrolled}>
            <div className={layout['row']}>
              <ButtonLink href={`/people/${encodeURIComponent(person.id)}`}>{t.toPerson}</ButtonLink>
              <ButtonLink href={`/verify/${encodeURIComponent(person.id)}`}>{t.toVerify}</ButtonLink>
            </div>
          </Notice>
        )}
        {duplicate !== null && (
          <Notice tone="warn" title={t.duplicate(duplicate)}>
            <ButtonLink href={`/people/${encodeURIComponent(duplicate)}`}>{t.toDuplicate}</ButtonLink>
          </Notice>
        )}
      </Card>
      <Card title={t.recordings}>
        <RecordingSource
          name={t.fileName}
          multiple
          onFiles={add}
          wantedSeconds={Math.max(5, Math.min(15, missing))}
          microphoneBlocked={blocked}
          disabled={filesBlocked}
          prompt={<Prompt />}
        />
        {tellsVoicesApart && <Checkbox checked={oneVoice} onChange={setOneVoice} label={t.oneVoice} />}
      </Card>
      {takes.length > 0 && (
        <Card
          title={t.takes}
          actions={
            ready.length > 1 && (
              <Button kind="primary" disabled={filesBlocked} onClick={() => void sendAll()}>
                {t.sendAll(format.number(ready.length))}
              </Button>
            )
          }
        >
          <ul className={css['takes']} aria-live="polite">
            {takes.map((take) => (
              <li key={take.key}>
                <TakeRow
                  take={take}
                  disabled={filesBlocked}
                  onSend={() => void send(take)}
                  onDiscard={() => discard(take.key)}
                />
              </li>
            ))}
          </ul>
        </Card>
      )}
    </>
  );
}

interface TakeRowProps {
  take: Take;
  disabled: boolean;
  onSend: () => void;
  onDiscard: () => void;
}

function TakeRow({ take, disabled, onSend, onDiscard }: TakeRowProps): ReactNode {
  const t = useMessages().enrol;
  const format = useFormat();
  const { file, state } = take;
  return (
    <div className={layout['tight']}>
      <div className={layout['row']}>
        <strong dir="auto">{file.name}</strong>
        <span className="muted">{format.bytes(file.size)}</span>
        {state === 'sending' && <Badge>{t.sending}</Badge>}
      </div>
      <Player recording={file} label={t.listen(file.name)} />
      {take.result && <TakeResult result={take.result} />}
      {state === 'failed' && <TakeFailure error={take.error} />}
      {(state === 'ready' || state === 'failed') && (
        <div className={layout['row']}>
          <Button kind="primary" disabled={disabled} onClick={onSend}>
            {state === 'failed' ? t.sendAgain : t.send}
          </Button>
          <Button onClick={onDiscard}>{t.discard}</Button>
        </div>
      )}
    </div>
  );
}

function TakeResult({ result }: { result: NonNullable<Take['result']> }): ReactNode {
  const t = useMessages().enrol;
  const format = useFormat();
  const textOf = useErrorText();
  if ('error' in result) {
    return <Notice tone="bad">{textOf(new TimbreError(result.error.code as never, result.error.message))}</Notice>;
  }
  const { enrollment, duplicate, audio, audioNotKept } = result;
  return (
    <div className={css['verdict']} role="status">
      {duplicate && <p>{t.sameFile}</p>}
      <RecordingVerdict recording={enrollment} />
      <p className="muted">
        {t.heard(format.seconds(enrollment.speech.seconds))}
        {enrollment.quality.snrDb !== null && ` · ${t.snr(format.number(enrollment.quality.snrDb))}`}
      </p>
      {audio?.incomplete && <p>{t.incomplete}</p>}
      <p className="muted">{audioNotKept === null ? t.kept : t.notKept[audioNotKept]}</p>
    </div>
  );
}

function TakeFailure({ error }: { error: unknown }): ReactNode {
  const t = useMessages().enrol;
  const textOf = useErrorText();
  return (
    <Notice tone="bad" title={t.notSent}>
      {textOf(error)}
    </Notice>
  );
}

function Prompt(): ReactNode {
  const t = useMessages().enrol;
  const { code } = useLanguage();
  const [language, setLanguage] = useState<PromptLanguage>(code);
  const [at, setAt] = useState(0);
  const sentences = PROMPTS[language];
  return (
    <div className={css['prompt']}>
      <div className={layout['row']}>
        <span className="muted">{t.read}</span>
        <Select
          compact
          label={t.promptLanguage}
          value={language}
          options={Object.entries(PROMPT_LANGUAGES) as [PromptLanguage, string][]}
          onChange={setLanguage}
        />
        <Button onClick={() => setAt((at + 1) % sentences.length)}>{t.nextPrompt}</Button>
      </div>
      <blockquote lang={language}>{sentences[at]}</blockquote>
    </div>
  );
}

import { Plus } from 'lucide-react';
import { useId, useState, type ReactNode } from 'react';
import { Link } from 'wouter';
import type { Answer } from '../../../client/index.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Button } from '../../ui/button.js';
import { shownName, speechOf, type Dialogue, type Voice } from './document.js';
import { VOICE_COLOURS } from './lanes.js';
import css from './voices.module.css';

type Speaker = Answer<'getConversation'>['speakers'][number];

interface VoicesProps {
  dialogue: Dialogue;
  /** What the service says of them. */
  speakers: readonly Speaker[];
  onRename: (label: string, name: string) => void;
  onMerge: (from: string, into: string) => void;
  onAdd: () => void;
}

export function Voices({ dialogue, speakers, onRename, onMerge, onAdd }: VoicesProps): ReactNode {
  const t = useMessages().conversations;
  const format = useFormat();
  const speech = speechOf(dialogue);
  return (
    <>
      <ul className={css['voices']}>
        {dialogue.voices.map((voice, lane) => {
          const { seconds, turns } = speech.get(voice.label)!;
          const speaker = speakers.find(({ label }) => label === voice.label);
          const others = dialogue.voices.filter(({ label }) => label !== voice.label);
          return (
            <li key={voice.label} className={css['voice']}>
              <div className={css['head']}>
                <span
                  className={css['dot']}
                  style={{ background: `var(--voice-${(lane % VOICE_COLOURS) + 1})` }}
                  aria-hidden
                />
                <NameField
                  key={`${voice.label} ${voice.name ?? ''}`}
                  voice={voice}
                  onRename={(name) => onRename(voice.label, name)}
                />
                {lane < 9 && <kbd className={css['key']}>{lane + 1}</kbd>}
              </div>
              <p className={css['facts']}>
                {t.voices.share(format.seconds(seconds), format.plural(turns, ...t.turns.count))}
                {voice.speakerId !== null && (
                  <>
                    {' · '}
                    <Link href={`/people/${encodeURIComponent(voice.speakerId)}`}>{t.voices.person}</Link>
                  </>
                )}
                {speaker && speaker.unknownVoiceId !== null && (
                  <>
                    {' · '}
                    <Link href={`/unknown-voices/${speaker.unknownVoiceId}`}>{t.voices.unknown}</Link>
                  </>
                )}
              </p>
              <Reason voice={voice} speaker={speaker} />
              {others.length > 0 && (
                <MergeField others={others} label={t.voices.merge} onMerge={(into) => onMerge(voice.label, into)} />
              )}
            </li>
          );
        })}
      </ul>
      <div>
        <Button onClick={onAdd}>
          <Plus aria-hidden /> {t.voices.add}
        </Button>
      </div>
    </>
  );
}

/** Taken over with Enter, or when it is left; Escape puts back what was there. */
function NameField({ voice, onRename }: { voice: Voice; onRename: (name: string) => void }): ReactNode {
  const t = useMessages().conversations.voices;
  const [name, setName] = useState(voice.name ?? '');
  return (
    <input
      className={css['name']}
      dir="auto"
      aria-label={t.name(voice.label)}
      placeholder={voice.label}
      maxLength={200}
      value={name}
      onChange={(event) => setName(event.target.value)}
      onBlur={() => onRename(name)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') event.currentTarget.blur();
        if (event.key === 'Escape') setName(voice.name ?? '');
      }}
    />
  );
}

function MergeField({
  others,
  label,
  onMerge,
}: {
  others: readonly Voice[];
  label: string;
  onMerge: (into: string) => void;
}): ReactNode {
  const t = useMessages().conversations.voices;
  const id = useId();
  return (
    <div className={css['merge']}>
      <label htmlFor={id}>{label}</label>
      <select id={id} value="" onChange={(event) => event.target.value !== '' && onMerge(event.target.value)}>
        <option value="">{t.mergeNone}</option>
        {others.map((voice) => (
          <option key={voice.label} value={voice.label}>
            {shownName(voice)}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Why the service gave no name; nothing once somebody has. */
function Reason({ voice, speaker }: { voice: Voice; speaker: Speaker | undefined }): ReactNode {
  const t = useMessages().conversations.voices;
  if (!speaker?.reason || voice.name !== null) return null;
  return <p className={css['facts']}>{t.reasons[speaker.reason]}</p>;
}

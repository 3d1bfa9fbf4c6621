import { Mic, Square } from 'lucide-react';
import type { ReactNode } from 'react';
import { useFormat, useMessages } from '../i18n/index.js';
import layout from '../styles/layout.module.css';
import { Button } from '../ui/button.js';
import { Select } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { Progress } from '../ui/progress.js';
import css from './recorder-panel.module.css';
import { useRecorder, type Take } from './use-recorder.js';

/** The meter shows levels from here to full scale, dB. */
const QUIETEST_DB = -60;
/** Of the noise, dB: above it a room is too loud to be sure. */
const NOISY_DB = -45;
/** Share of samples at full scale that can be heard. */
const CLIPPED = 0.001;
/** Telephones have this rate, Hz. */
const NARROW_HZ = 8000;

interface RecorderPanelProps {
  /** Recordings are called so, with a number behind it. */
  name: string;
  onTake: (take: Take) => void;
  /** Net speech that is wanted of a recording, seconds. */
  wantedSeconds: number;
  /** Why nothing can be recorded now. */
  blocked?: string | undefined;
  /** What is to be read aloud. */
  prompt?: ReactNode;
}

/** The microphone, with what is wrong with it told while somebody speaks. */
export function RecorderPanel({ name, onTake, wantedSeconds, blocked, prompt }: RecorderPanelProps): ReactNode {
  const t = useMessages().recorder;
  const format = useFormat();
  const recorder = useRecorder(name, onTake);
  const { state, levels, problem, microphone } = recorder;
  const share = levels ? (levels.levelDb - QUIETEST_DB) / -QUIETEST_DB : 0;
  const clips = (levels?.clippedShare ?? 0) > CLIPPED;
  const noisy = levels?.noiseDb != null && levels.noiseDb > NOISY_DB;
  return (
    <div className={layout['tight']}>
      <Select
        label={t.device}
        value={recorder.deviceId}
        disabled={state !== 'idle'}
        options={[
          ['', t.defaultDevice] as const,
          ...recorder.devices.map(
            ({ id, label }, i) => [id, label === '' ? t.unnamed(format.number(i + 1)) : label] as const,
          ),
        ]}
        onChange={recorder.chooseDevice}
      />
      {prompt}
      <div className={layout['row']}>
        {state === 'recording' ? (
          <Button kind="danger" onClick={() => recorder.stop()}>
            <Square aria-hidden />
            {t.stop}
          </Button>
        ) : (
          <Button
            kind="primary"
            busy={state === 'opening'}
            disabled={blocked !== undefined}
            onClick={() => void recorder.start()}
          >
            <Mic aria-hidden />
            {t.start}
          </Button>
        )}
        <span role="timer" className="numeric">
          {levels ? format.duration(levels.seconds) : ''}
        </span>
        {blocked !== undefined && <span className="muted">{blocked}</span>}
      </div>
      {levels && (
        <>
          <Progress
            label={t.level}
            text={t.decibels(format.number(levels.levelDb))}
            value={share}
            tone={clips ? 'bad' : 'accent'}
          />
          <Progress
            label={t.speech}
            text={t.speechOf(format.seconds(levels.speechSeconds), format.seconds(wantedSeconds))}
            value={levels.speechSeconds / wantedSeconds}
            tone={levels.speechSeconds >= wantedSeconds ? 'good' : 'accent'}
          />
          <ul className={css['hints']}>
            {clips && <li>{t.clipping}</li>}
            {noisy && <li>{t.noise(format.number(levels.noiseDb!))}</li>}
          </ul>
        </>
      )}
      {problem !== null && <Notice tone="bad">{t.problems[problem]}</Notice>}
      {microphone && microphone.altered.length > 0 && <Notice tone="warn">{t.altered}</Notice>}
      {microphone?.deviceRate != null && microphone.deviceRate <= NARROW_HZ && <Notice tone="warn">{t.narrow}</Notice>}
    </div>
  );
}

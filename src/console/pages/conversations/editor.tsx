import { Download, Pause, Play, Redo2, Trash2, Undo2, ZoomIn, ZoomOut } from 'lucide-react';
import { useCallback, useEffect, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import { download } from '../../api/download.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Select, TextField } from '../../ui/field.js';
import { FileDrop } from '../../ui/file-drop.js';
import { Notice } from '../../ui/notice.js';
import type { Conversation } from './conversation-page.js';
import {
  addVoice,
  assign,
  dialogueOf,
  merge,
  positionAt,
  remove,
  rename,
  resize,
  shownName,
  split,
  type Dialogue,
  type Turn,
} from './document.js';
import { EXPORT_TYPES, exported, type ExportType } from './export.js';
import { historyOf, redo, step, undo, type History } from './history.js';
import { commandOf, type Command } from './keyboard.js';
import { Lanes } from './lanes.js';
import { Player } from './player.js';
import { keepRecording, recordingOf } from './recordings.js';
import { TurnList } from './turn-list.js';
import { useWaveform } from './use-peaks.js';
import { pan, reveal, wholeView, zoom } from './view.js';
import { Voices } from './voices.js';
import layout from '../../styles/layout.module.css';
import css from './conversations.module.css';

/** Further than this from the conversation's length, a recording may be another one. Seconds. */
const LENGTH_SLACK = 2;

/** Who speaks when, to be heard, seen and corrected. */
export function Editor({ conversation }: { conversation: Conversation }): ReactNode {
  const t = useMessages().conversations;
  const [history, setHistory] = useState<History<Dialogue>>(() => historyOf(dialogueOf(conversation)));
  const [selected, setSelected] = useState<number | null>(null);
  const [file, setFile] = useState(() => recordingOf(conversation.id));
  const [view, setView] = useState(() => wholeView(history.present.seconds));
  const player = usePlayer(file);
  const waveform = useWaveform(file);
  const dialogue = history.present;
  const { seconds } = dialogue;
  const heard = useHeard(player, dialogue);
  const turn = dialogue.turns.find(({ id }) => id === selected) ?? null;

  const edit = useCallback((change: (before: Dialogue) => Dialogue) => {
    setHistory((before) => step(before, change(before.present)));
  }, []);
  const select = (id: number): void => {
    setSelected(id);
    const found = dialogue.turns.find((one) => one.id === id);
    if (found) setView((before) => reveal(before, found.start, seconds));
  };
  const playFrom = (id: number): void => {
    const found = dialogue.turns.find((one) => one.id === id);
    if (!found) return;
    select(id);
    player.seek(found.start);
    player.play();
  };

  const run = (command: Command): void => {
    switch (command.do) {
      case 'play':
        player.toggle();
        break;
      case 'seek':
        player.seek(Math.min(seconds, player.position + command.seconds));
        break;
      case 'turn': {
        const at = turn
          ? dialogue.turns.indexOf(turn)
          : positionAt(dialogue, player.position) - Math.min(0, command.by);
        const next = dialogue.turns[Math.min(dialogue.turns.length - 1, Math.max(0, at + command.by))];
        if (!next) break;
        select(next.id);
        player.seek(next.start);
        break;
      }
      case 'assign': {
        const voice = dialogue.voices[command.voice];
        if (turn && voice) edit((before) => assign(before, turn.id, voice.label));
        break;
      }
      case 'zoom':
        setView((before) => zoom(before, command.by > 0 ? 2 : 0.5, middleOf(before, player.position), seconds));
        break;
      case 'split':
        if (turn) edit((before) => split(before, turn.id, player.position));
        break;
      case 'remove':
        if (turn) edit((before) => remove(before, turn.id));
        break;
      case 'undo':
        setHistory(undo);
        break;
      case 'redo':
        setHistory(redo);
        break;
    }
  };
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const command = commandOf(event, event.target instanceof HTMLElement ? event.target : null);
      if (!command) return;
      event.preventDefault();
      latest.current(command);
    };
    window.addEventListener('keydown', pressed);
    return () => window.removeEventListener('keydown', pressed);
  }, []);
  // The picture follows what is heard, page by page.
  useEffect(() => {
    let shown = -1;
    return player.watch((position) => {
      const moment = Math.floor(position * 4);
      if (moment === shown || !player.state.playing) return;
      shown = moment;
      setView((before) => reveal(before, position, seconds));
    });
  }, [player, seconds]);

  return (
    <div className={layout['stack']}>
      <Card title={t.player.title} actions={<Files conversation={conversation} dialogue={dialogue} />}>
        <Recording
          conversation={conversation}
          player={player}
          file={file}
          onFile={(chosen) => {
            keepRecording(conversation.id, chosen);
            setFile(chosen);
          }}
        />
        <div className={css['row']}>
          <PlayButton player={player} disabled={file === null} />
          <Clock player={player} seconds={seconds} />
          <span className={css['grow']} />
          <Button aria-label={t.player.zoomOut} onClick={() => run({ do: 'zoom', by: -1 })}>
            <ZoomOut aria-hidden />
          </Button>
          <Button aria-label={t.player.zoomIn} onClick={() => run({ do: 'zoom', by: 1 })}>
            <ZoomIn aria-hidden />
          </Button>
          <Button onClick={() => setView(wholeView(seconds))}>{t.player.zoomAll}</Button>
        </div>
        <Lanes
          dialogue={dialogue}
          peaks={waveform?.peaks ?? null}
          version={waveform?.version ?? 0}
          view={view}
          player={player}
          selected={selected}
          onView={setView}
          onSelect={select}
          onResize={(id, start, end) => edit((before) => resize(before, id, start, end))}
        />
        {view.span < seconds && (
          <input
            type="range"
            className={css['range']}
            aria-label={`${t.player.earlier} – ${t.player.later}`}
            min={0}
            max={seconds - view.span}
            step={view.span / 20}
            value={view.start}
            onChange={(event) => {
              const start = Number(event.target.value);
              setView((before) => pan(before, start - before.start, seconds));
            }}
          />
        )}
        <div className={layout['legend']}>
          <span className={css['overlap']} aria-hidden /> {t.player.overlap}
          {waveform?.state === 'drawing' && <span role="status">{t.player.drawing}</span>}
          {waveform?.state === 'unsupported' && <span role="status">{t.player.undrawn}</span>}
        </div>
      </Card>
      <div className={css['columns']}>
        <Card
          title={t.turns.title}
          actions={
            <div className={css['row']}>
              <Button disabled={history.past.length === 0} onClick={() => setHistory(undo)} aria-label={t.history.undo}>
                <Undo2 aria-hidden />
              </Button>
              <Button
                disabled={history.future.length === 0}
                onClick={() => setHistory(redo)}
                aria-label={t.history.redo}
              >
                <Redo2 aria-hidden />
              </Button>
            </div>
          }
        >
          <TurnList dialogue={dialogue} selected={selected} heard={heard} onPlay={playFrom} />
          {turn ? (
            <TurnForm
              key={`${turn.id} ${turn.start} ${turn.end}`}
              turn={turn}
              dialogue={dialogue}
              edit={edit}
              run={run}
            />
          ) : (
            <p className="muted">{t.turns.none}</p>
          )}
          <p className={layout['fine']}>{t.history.local}</p>
        </Card>
        <div className={layout['stack']}>
          <Card title={t.voices.title}>
            <Voices
              dialogue={dialogue}
              speakers={conversation.speakers}
              onRename={(label, name) => edit((before) => rename(before, label, name))}
              onMerge={(from, into) => edit((before) => merge(before, from, into))}
              onAdd={() => edit(addVoice)}
            />
          </Card>
          <Card title={t.keys.title}>
            <dl className={css['keys']}>
              {t.keys.rows.map(([key, what]) => (
                <div key={key}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </Card>
        </div>
      </div>
    </div>
  );
}

/** Zooming goes to where the recording stands, where that is seen. */
function middleOf({ start, span }: { start: number; span: number }, position: number): number {
  return position >= start && position <= start + span ? position : start + span / 2;
}

function usePlayer(file: File | null): Player {
  const [player] = useState(() => new Player());
  useEffect(() => {
    player.load(file);
    return () => player.unload();
  }, [player, file]);
  return player;
}

/** Position of the turn that is being heard; -1: none. */
function useHeard(player: Player, dialogue: Dialogue): number {
  const [heard, setHeard] = useState(-1);
  useEffect(
    () =>
      player.watch((position) => {
        const at = positionAt(dialogue, position);
        setHeard(at >= 0 && dialogue.turns[at]!.end > position ? at : -1);
      }),
    [player, dialogue],
  );
  return heard;
}

function PlayButton({ player, disabled }: { player: Player; disabled: boolean }): ReactNode {
  const t = useMessages().conversations.player;
  const { playing, failed } = useSyncExternalStore(player.subscribe, () => player.state);
  return (
    <Button kind="primary" disabled={disabled || failed} onClick={() => player.toggle()}>
      {playing ? <Pause aria-hidden /> : <Play aria-hidden />}
      {playing ? t.pause : t.play}
    </Button>
  );
}

function Clock({ player, seconds }: { player: Player; seconds: number }): ReactNode {
  const format = useFormat();
  const t = useMessages().conversations.player;
  const text = useRef<HTMLSpanElement>(null);
  const total = format.duration(seconds);
  useEffect(
    () =>
      player.watch((position) => {
        if (text.current) text.current.textContent = t.at(format.duration(position), total);
      }),
    [player, format, t, total],
  );
  return <span ref={text} className="numeric" />;
}

/** What is wrong with the recording, or where to choose it once more. */
function Recording({
  conversation,
  player,
  file,
  onFile,
}: {
  conversation: Conversation;
  player: Player;
  file: File | null;
  onFile: (file: File) => void;
}): ReactNode {
  const t = useMessages().conversations.player;
  const format = useFormat();
  const { failed, duration } = useSyncExternalStore(player.subscribe, () => player.state);
  if (file === null) return <FileDrop label={t.missing} choose={t.missingChoose} hint="" file={null} onFile={onFile} />;
  if (failed) return <Notice tone="warn">{t.unplayable}</Notice>;
  const expected = conversation.seconds ?? 0;
  if (duration === null || Math.abs(duration - expected) <= LENGTH_SLACK) return null;
  return (
    <>
      <Notice tone="warn">{t.otherLength(format.duration(duration), format.duration(expected))}</Notice>
      <FileDrop label={t.missing} choose={t.missingChoose} hint="" file={null} onFile={onFile} />
    </>
  );
}

function TurnForm({
  turn,
  dialogue,
  edit,
  run,
}: {
  turn: Turn;
  dialogue: Dialogue;
  edit: (change: (before: Dialogue) => Dialogue) => void;
  run: (command: Command) => void;
}): ReactNode {
  const t = useMessages().conversations.turns;
  const [from, setFrom] = useState(turn.start.toFixed(2));
  const [to, setTo] = useState(turn.end.toFixed(2));
  const [start, end] = [secondsOf(from), secondsOf(to)];
  const wrong = !(start < end);
  return (
    <form
      className={css['form']}
      aria-label={t.selected}
      onSubmit={(event) => {
        event.preventDefault();
        if (!wrong) edit((before) => resize(before, turn.id, start, end));
      }}
    >
      <Select
        label={t.voice}
        value={turn.voice}
        options={dialogue.voices.map((voice) => [voice.label, shownName(voice)] as const)}
        onChange={(voice) => edit((before) => assign(before, turn.id, voice))}
      />
      <TextField label={t.from} inputMode="decimal" value={from} onChange={setFrom} />
      <TextField
        label={t.to}
        inputMode="decimal"
        value={to}
        onChange={setTo}
        error={wrong ? t.wrongTimes : undefined}
      />
      <div className={css['row']}>
        <Button type="submit" disabled={wrong}>
          {t.apply}
        </Button>
        <Button title={t.splitHint} onClick={() => run({ do: 'split' })}>
          {t.split}
        </Button>
        <Button kind="danger" aria-label={t.remove} onClick={() => run({ do: 'remove' })}>
          <Trash2 aria-hidden />
        </Button>
      </div>
    </form>
  );
}

/** As people write numbers in either language; NaN for what is none. */
function secondsOf(text: string): number {
  return text.trim() === '' ? NaN : Number(text.trim().replace(',', '.'));
}

function Files({ conversation, dialogue }: { conversation: Conversation; dialogue: Dialogue }): ReactNode {
  const t = useMessages().conversations.files;
  const save = (type: ExportType): void => {
    const { file, text, type: media } = exported(type, dialogue, conversation);
    download(file, new Blob([text], { type: media }));
  };
  return (
    <div className={css['row']} role="group" aria-label={t.title}>
      {EXPORT_TYPES.map((type) => (
        <Button key={type} onClick={() => save(type)}>
          <Download aria-hidden /> {t.types[type]}
        </Button>
      ))}
    </div>
  );
}

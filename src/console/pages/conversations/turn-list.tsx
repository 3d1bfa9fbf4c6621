import { useVirtualizer } from '@tanstack/react-virtual';
import { Play } from 'lucide-react';
import { useEffect, useRef, type ReactNode } from 'react';
import { useFormat, useMessages } from '../../i18n/index.js';
import { shownName, type Dialogue } from './document.js';
import { VOICE_COLOURS } from './lanes.js';
import css from './turn-list.module.css';

interface TurnListProps {
  dialogue: Dialogue;
  selected: number | null;
  /** Position of the turn that is being heard; -1: none. */
  heard: number;
  onPlay: (id: number) => void;
}

const ROW = 44;

/** All turns by time, of which those in sight are in the page alone. */
export function TurnList({ dialogue, selected, heard, onPlay }: TurnListProps): ReactNode {
  const t = useMessages().conversations.turns;
  const format = useFormat();
  const box = useRef<HTMLDivElement>(null);
  const { turns, voices } = dialogue;
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing that it gives is memoised here
  const rows = useVirtualizer({
    count: turns.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 8,
  });
  const lanes = new Map(voices.map((voice, lane) => [voice.label, { lane, name: shownName(voice) }]));
  const shown = selected === null ? -1 : turns.findIndex(({ id }) => id === selected);

  useEffect(() => {
    if (shown >= 0) rows.scrollToIndex(shown, { align: 'auto' });
  }, [rows, shown]);

  return (
    <div ref={box} className={css['box']}>
      <ul className={css['list']} style={{ height: rows.getTotalSize() }} aria-label={t.title}>
        {rows.getVirtualItems().map(({ index, start }) => {
          const turn = turns[index]!;
          const { lane, name } = lanes.get(turn.voice) ?? { lane: 0, name: turn.voice };
          const at = format.duration(turn.start);
          return (
            <li
              key={turn.id}
              className={css['row']}
              style={{ transform: `translateY(${start}px)`, height: ROW }}
              aria-setsize={turns.length}
              aria-posinset={index + 1}
            >
              <button
                type="button"
                className={css['turn']}
                aria-pressed={turn.id === selected}
                data-heard={index === heard || undefined}
                data-space="play"
                onClick={() => onPlay(turn.id)}
                onKeyUp={(event) => {
                  // Some browsers press a button when the space bar is let go, whatever was done when it went down.
                  if (event.key === ' ') event.preventDefault();
                }}
              >
                <Play aria-hidden size={14} />
                <span className="visually-hidden">{t.play}</span>
                <span className="numeric">{at}</span>
                <span className={css['dot']} style={{ background: `var(--voice-${(lane % VOICE_COLOURS) + 1})` }} />
                <bdi className={css['name']}>{name}</bdi>
                <span className={css['length']}>
                  {format.seconds(turn.end - turn.start)}
                  {turn.overlap > 0.05 && <small>{t.overlap(format.seconds(turn.overlap))}</small>}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

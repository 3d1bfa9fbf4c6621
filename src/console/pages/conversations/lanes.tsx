import { useEffect, useMemo, useRef, useState, type PointerEvent, type ReactNode, type WheelEvent } from 'react';
import { useFormat, useMessages } from '../../i18n/index.js';
import { colourOf } from '../../ui/colours.js';
import { useTheme } from '../../ui/use-theme.js';
import { shownName, turnsBetween, type Dialogue, type Turn } from './document.js';
import {
  AXIS_HEIGHT,
  draw,
  heightOf,
  LANE_HEIGHT,
  laneAt,
  overlapsOf,
  WAVE_HEIGHT,
  type Colours,
} from './draw-lanes.js';
import type { Peaks } from './peaks.js';
import type { Player } from './player.js';
import { pan, zoom, type View } from './view.js';
import css from './lanes.module.css';

/** Of the tokens in lanes.module.css. */
export const VOICE_COLOURS = 8;

interface LanesProps {
  dialogue: Dialogue;
  peaks: Peaks | null;
  /** Of the peaks, which grow in place. */
  version: number;
  view: View;
  player: Player;
  selected: number | null;
  onView: (view: View) => void;
  onSelect: (id: number) => void;
  onResize: (id: number, start: number, end: number) => void;
}

/** Pixels around an end of the selected turn in which it is taken hold of. */
const GRIP = 7;

interface Held {
  turn: Turn;
  end: 'start' | 'end';
}

/** Waveform, and a lane for each voice; a press plays from there, the ends of the selected turn can be moved. */
export function Lanes(props: LanesProps): ReactNode {
  const { dialogue, peaks, version, view, player, selected, onView, onSelect, onResize } = props;
  const t = useMessages().conversations.player;
  const format = useFormat();
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const held = useRef<Held | null>(null);
  const width = useWidth(box);
  const theme = useTheme();
  const overlaps = useMemo(() => overlapsOf(dialogue), [dialogue]);
  const height = heightOf(dialogue);
  const total = format.duration(dialogue.seconds);

  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context || width === 0) return;
    const scale = window.devicePixelRatio || 1;
    element.width = Math.round(width * scale);
    element.height = Math.round(height * scale);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const timeText = (seconds: number): string =>
      view.span < 5 ? format.seconds(seconds) : format.duration(Math.round(seconds));
    draw(context, { dialogue, overlaps, peaks, view, selected, width, colours: coloursOf(element), timeText });
  }, [dialogue, overlaps, peaks, version, view, selected, width, height, theme, format]);

  useEffect(
    () =>
      player.watch((position) => {
        const place = (position - view.start) / view.span;
        if (head.current) {
          head.current.style.transform = `translateX(${place * width}px)`;
          head.current.hidden = place < 0 || place > 1;
        }
        box.current?.setAttribute('aria-valuenow', position.toFixed(1));
        box.current?.setAttribute('aria-valuetext', t.at(format.duration(position), total));
      }),
    [player, view, width, format, t, total],
  );

  const secondsAt = (event: PointerEvent | WheelEvent): number => {
    const left = box.current?.getBoundingClientRect().left ?? 0;
    return view.start + ((event.clientX - left) / Math.max(1, width)) * view.span;
  };
  const turnAt = (event: PointerEvent): Turn | undefined => {
    const lane = laneAt(dialogue, event.clientY - (box.current?.getBoundingClientRect().top ?? 0));
    if (lane === null) return undefined;
    const at = secondsAt(event);
    const slack = (3 / Math.max(1, width)) * view.span;
    return turnsBetween(dialogue, at - slack, at + slack).find(({ voice }) => voice === dialogue.voices[lane]!.label);
  };
  const gripAt = (event: PointerEvent): Held | null => {
    const turn = dialogue.turns.find(({ id }) => id === selected);
    const lane = laneAt(dialogue, event.clientY - (box.current?.getBoundingClientRect().top ?? 0));
    if (!turn || lane === null || dialogue.voices[lane]!.label !== turn.voice) return null;
    const reach = (GRIP / Math.max(1, width)) * view.span;
    const at = secondsAt(event);
    if (Math.abs(at - turn.end) <= reach) return { turn, end: 'end' };
    return Math.abs(at - turn.start) <= reach ? { turn, end: 'start' } : null;
  };

  return (
    <div className={css['frame']}>
      <div className={css['names']} aria-hidden style={{ paddingTop: AXIS_HEIGHT + WAVE_HEIGHT }}>
        {dialogue.voices.map((voice, lane) => (
          <bdi
            key={voice.label}
            className={css['name']}
            style={{ height: LANE_HEIGHT }}
            data-voice={lane % VOICE_COLOURS}
          >
            {shownName(voice)}
          </bdi>
        ))}
      </div>
      <div
        ref={box}
        className={css['lanes']}
        style={{ height }}
        role="slider"
        tabIndex={0}
        aria-label={t.position}
        aria-valuemin={0}
        aria-valuemax={Math.round(dialogue.seconds)}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          held.current = gripAt(event);
          if (held.current) return;
          const turn = turnAt(event);
          if (turn) onSelect(turn.id);
          player.seek(turn ? turn.start : secondsAt(event));
        }}
        onPointerMove={(event) => {
          const { current } = held;
          if (current) player.seek(secondsAt(event));
          event.currentTarget.style.cursor = current || gripAt(event) ? 'ew-resize' : 'pointer';
        }}
        onPointerUp={(event) => {
          const { current } = held;
          held.current = null;
          if (!current) return;
          const at = secondsAt(event);
          if (current.end === 'start') onResize(current.turn.id, Math.min(at, current.turn.end), current.turn.end);
          else onResize(current.turn.id, current.turn.start, Math.max(at, current.turn.start));
        }}
        onPointerCancel={() => (held.current = null)}
        onWheel={(event) => {
          if (event.ctrlKey) onView(zoom(view, Math.exp(-event.deltaY / 200), secondsAt(event), dialogue.seconds));
          else if (event.deltaX !== 0) onView(pan(view, (event.deltaX / width) * view.span, dialogue.seconds));
        }}
      >
        <canvas ref={canvas} className={css['canvas']} aria-hidden />
        <div ref={head} className={css['head']} hidden aria-hidden />
      </div>
    </div>
  );
}

/** Pixels that an element is wide; 0 until that is known. */
function useWidth(element: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const { current } = element;
    if (!current) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(current);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

function coloursOf(canvas: HTMLElement): Colours {
  const resolved = colourOf(canvas.parentElement ?? canvas);
  return {
    text: resolved('--text'),
    line: resolved('--line'),
    wave: resolved('--line-strong'),
    overlap: resolved('--overlap'),
    ground: resolved('--surface'),
    voices: Array.from({ length: VOICE_COLOURS }, (_, i) => resolved(`--voice-${i + 1}`)),
  };
}

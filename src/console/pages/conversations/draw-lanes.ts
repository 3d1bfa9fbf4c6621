import { turnsBetween, type Dialogue } from './document.js';
import type { Peaks } from './peaks.js';
import { ticksOf, type View } from './view.js';

export const AXIS_HEIGHT = 24;
export const WAVE_HEIGHT = 72;
export const LANE_HEIGHT = 30;
const LANE_GAP = 5;

/** What is drawn in which colour, as the browser has resolved it. */
export interface Colours {
  text: string;
  line: string;
  wave: string;
  overlap: string;
  ground: string;
  voices: readonly string[];
}

export interface Scene {
  dialogue: Dialogue;
  /** Where two speak at once, by time. */
  overlaps: readonly (readonly [start: number, end: number])[];
  peaks: Peaks | null;
  view: View;
  selected: number | null;
  /** Pixels of the page. */
  width: number;
  colours: Colours;
  timeText: (seconds: number) => string;
}

export function heightOf({ voices }: Pick<Dialogue, 'voices'>): number {
  return AXIS_HEIGHT + WAVE_HEIGHT + Math.max(1, voices.length) * LANE_HEIGHT + LANE_GAP;
}

/** The number of a voice's lane at a height; null above and below. */
export function laneAt({ voices }: Pick<Dialogue, 'voices'>, y: number): number | null {
  const lane = Math.floor((y - AXIS_HEIGHT - WAVE_HEIGHT) / LANE_HEIGHT);
  return y >= AXIS_HEIGHT + WAVE_HEIGHT && lane < voices.length ? lane : null;
}

/** Spans in which more than one voice speaks. */
export function overlapsOf({ turns }: Pick<Dialogue, 'turns'>): [start: number, end: number][] {
  const spans: [number, number][] = [];
  const heard: { voice: string; end: number }[] = [];
  for (const { start, end, voice } of turns) {
    for (const other of heard) {
      if (other.voice === voice || other.end <= start) continue;
      const until = Math.min(end, other.end);
      const last = spans.at(-1);
      if (last && start <= last[1]) last[1] = Math.max(last[1], until);
      else spans.push([start, until]);
    }
    for (let i = heard.length - 1; i >= 0; i--) if (heard[i]!.end <= start) heard.splice(i, 1);
    heard.push({ voice, end });
  }
  return spans;
}

export function draw(context: CanvasRenderingContext2D, scene: Scene): void {
  const { dialogue, view, width, colours } = scene;
  const height = heightOf(dialogue);
  const x = (seconds: number): number => ((seconds - view.start) / view.span) * width;
  context.clearRect(0, 0, width, height);
  drawOverlaps(context, scene, x);
  drawAxis(context, scene, x, height);
  drawWave(context, scene);
  context.fillStyle = colours.line;
  for (let lane = 0; lane <= dialogue.voices.length; lane++) {
    context.fillRect(0, AXIS_HEIGHT + WAVE_HEIGHT + lane * LANE_HEIGHT, width, 1);
  }
  drawTurns(context, scene, x);
}

function drawOverlaps(
  context: CanvasRenderingContext2D,
  { overlaps, view, colours }: Scene,
  x: (s: number) => number,
): void {
  context.fillStyle = colours.overlap;
  for (const [start, end] of overlaps) {
    if (end < view.start || start > view.start + view.span) continue;
    context.fillRect(x(start), AXIS_HEIGHT, Math.max(1, x(end) - x(start)), WAVE_HEIGHT);
  }
}

function drawAxis(context: CanvasRenderingContext2D, scene: Scene, x: (s: number) => number, height: number): void {
  const { view, width, colours, timeText } = scene;
  context.font = '12px system-ui, sans-serif';
  context.textBaseline = 'middle';
  for (const tick of ticksOf(view, Math.max(2, Math.floor(width / 90)))) {
    context.fillStyle = colours.line;
    context.fillRect(Math.round(x(tick)), AXIS_HEIGHT - 6, 1, height);
    context.fillStyle = colours.text;
    const text = timeText(tick);
    if (x(tick) + context.measureText(text).width + 6 <= width) context.fillText(text, x(tick) + 4, AXIS_HEIGHT / 2);
  }
}

function drawWave(context: CanvasRenderingContext2D, { peaks, view, width, colours }: Scene): void {
  const middle = AXIS_HEIGHT + WAVE_HEIGHT / 2;
  context.fillStyle = colours.wave;
  if (!peaks) {
    context.fillRect(0, middle, width, 1);
    return;
  }
  const half = WAVE_HEIGHT / 2 - 3;
  for (let column = 0; column < width; column++) {
    const from = view.start + (column / width) * view.span;
    const extremes = peaks.between(from, from + view.span / width);
    if (!extremes) continue;
    const [low, high] = extremes;
    const top = middle - high * half;
    context.fillRect(column, top, 1, Math.max(1, middle - low * half - top));
  }
}

function drawTurns(context: CanvasRenderingContext2D, scene: Scene, x: (s: number) => number): void {
  const { dialogue, view, selected, colours } = scene;
  const lanes = new Map(dialogue.voices.map(({ label }, lane) => [label, lane]));
  for (const turn of turnsBetween(dialogue, view.start, view.start + view.span)) {
    const lane = lanes.get(turn.voice);
    if (lane === undefined) continue;
    const left = x(turn.start);
    const width = Math.max(2, x(turn.end) - left);
    const top = AXIS_HEIGHT + WAVE_HEIGHT + lane * LANE_HEIGHT + LANE_GAP;
    const height = LANE_HEIGHT - 2 * LANE_GAP + 1;
    context.fillStyle = colours.voices[lane % colours.voices.length]!;
    context.beginPath();
    context.roundRect(left, top, width, height, Math.min(4, width / 2));
    context.fill();
    if (turn.id !== selected) continue;
    context.strokeStyle = colours.text;
    context.lineWidth = 2;
    context.stroke();
    context.fillStyle = colours.ground;
    if (width > 16) for (const grip of [left + 3, left + width - 5]) context.fillRect(grip, top + 4, 2, height - 8);
  }
}

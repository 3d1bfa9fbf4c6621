/** The part of a recording that is shown. */
export interface View {
  /** Seconds. */
  start: number;
  /** Seconds that are seen at once. */
  span: number;
}

/** Seconds: a syllable is wide then. */
export const CLOSEST = 2;

/** All of it. */
export function wholeView(seconds: number): View {
  return { start: 0, span: Math.max(seconds, CLOSEST) };
}

/** Closer (factor above 1) or further away, around a moment that stays where it is. */
export function zoom(view: View, factor: number, around: number, seconds: number): View {
  const span = Math.min(Math.max(seconds, CLOSEST), Math.max(CLOSEST, view.span / factor));
  const place = (around - view.start) / view.span;
  return within({ start: around - place * span, span }, seconds);
}

export function pan(view: View, by: number, seconds: number): View {
  return within({ ...view, start: view.start + by }, seconds);
}

/** So that a moment is seen: the view moves on by pages, and only where it has to. */
export function reveal(view: View, moment: number, seconds: number): View {
  if (moment >= view.start && moment <= view.start + view.span) return view;
  return within({ ...view, start: moment - 0.1 * view.span }, seconds);
}

function within({ start, span }: View, seconds: number): View {
  return { start: Math.min(Math.max(0, start), Math.max(0, seconds - span)), span };
}

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

/** Moments for the time line, at most `most` of them. */
export function ticksOf({ start, span }: View, most: number): number[] {
  const step = STEPS.find((one) => span / one <= most) ?? 7200;
  const ticks: number[] = [];
  for (let i = Math.ceil(start / step); i * step <= start + span; i++) ticks.push(i * step);
  return ticks;
}

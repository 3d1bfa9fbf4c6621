/** What can be undone, and done again. Never changed in place. */
export interface History<T> {
  present: T;
  past: readonly T[];
  future: readonly T[];
}

/** Steps that are kept. */
const MOST_STEPS = 200;

export function historyOf<T>(present: T): History<T> {
  return { present, past: [], future: [] };
}

/** The next state; the same one is no step. */
export function step<T>(history: History<T>, next: T): History<T> {
  if (next === history.present) return history;
  return { present: next, past: [...history.past, history.present].slice(-MOST_STEPS), future: [] };
}

export function undo<T>(history: History<T>): History<T> {
  const before = history.past.at(-1);
  if (before === undefined) return history;
  return { present: before, past: history.past.slice(0, -1), future: [history.present, ...history.future] };
}

export function redo<T>(history: History<T>): History<T> {
  const [after, ...future] = history.future;
  if (after === undefined) return history;
  return { present: after, past: [...history.past, history.present], future };
}

import { TimbreError } from '../errors/timbre-error.js';

/** Milliseconds that one piece of work holds the event loop before everybody else gets a turn. */
const LONGEST_STEP_MS = 10;

/** Those who wait for a turn of the event loop of their own. */
const waiting: (() => void)[] = [];
let scheduled = false;

/** Resolves in a later turn of the event loop. No two resolve in the same one: pieces of work do not add up. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    schedule();
  });
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(() => {
    scheduled = false;
    waiting.shift()?.();
    if (waiting.length > 0) schedule();
  });
}

/** What ends work before it is done. */
export interface StepBounds {
  /** Aborted when nobody waits for the work any more. */
  signal?: AbortSignal | undefined;
  /** `performance.now()` when its time is up. */
  deadline?: number | undefined;
}

/** Long work on the event loop in pieces: each takes well under 10 ms, and `next()` is awaited between two of them. */
export class Steps {
  private began = performance.now();

  constructor(private readonly bounds: StepBounds = {}) {}

  /** Errors: ABORTED, DEADLINE_EXCEEDED. */
  async next(): Promise<void> {
    const { signal, deadline = Infinity } = this.bounds;
    if (performance.now() - this.began >= LONGEST_STEP_MS) {
      await nextTurn();
      this.began = performance.now();
    }
    if (signal?.aborted) throw new TimbreError('ABORTED', 'nobody waits for the answer any more');
    if (performance.now() >= deadline) {
      throw new TimbreError('DEADLINE_EXCEEDED', 'the deadline passed before the list was worked through');
    }
  }
}

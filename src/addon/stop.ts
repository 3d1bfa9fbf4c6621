import { TimbreError } from '../errors/timbre-error.js';
import { invalid, LONGEST_MS, number, show } from './arguments.js';

/** What a caller's signal or deadline says about a call: whether, and why, to stop. */
export class Stop {
  readonly #listeners = new Set<(error: TimbreError) => void>();
  readonly #deadline: number | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #forget: (() => void) | undefined;
  #error: TimbreError | undefined;

  /** Errors: INVALID_ARGUMENT. */
  constructor({ signal, timeoutMs }: { signal: unknown; timeoutMs: unknown }) {
    if (signal !== undefined && !isSignal(signal)) throw invalid(`signal is an AbortSignal, not ${show(signal)}`);
    const timeout = number('timeoutMs', timeoutMs, undefined, 0, LONGEST_MS);
    if (signal?.aborted) {
      this.#error = aborted(signal);
      return;
    }
    if (signal) this.#forget = onAbort(signal, () => this.stop(aborted(signal)));
    if (timeout !== undefined) {
      this.#deadline = performance.now() + timeout;
      this.#timer = setTimeout(() => this.stop(exceeded(timeout)), timeout);
    }
  }

  /** Why to stop; undefined as long as nothing says so. */
  get error(): TimbreError | undefined {
    return this.#error;
  }

  /** Milliseconds until the deadline, not negative. */
  get remainingMs(): number | undefined {
    return this.#deadline === undefined ? undefined : Math.max(0, this.#deadline - performance.now());
  }

  throwIfStopped(): void {
    if (this.#error) throw this.#error;
  }

  /** Calls the listener at most once, at once if it is time already. Returns a function that takes it away. */
  onStop(listener: (error: TimbreError) => void): () => void {
    if (this.#error) {
      listener(this.#error);
      return () => {};
    }
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Once the call is over. */
  release(): void {
    clearTimeout(this.#timer);
    this.#forget?.();
    this.#listeners.clear();
  }

  /** For a reason of ours. */
  stop(error: TimbreError): void {
    if (this.#error) return;
    this.#error = error;
    const listeners = [...this.#listeners];
    this.release();
    for (const listener of listeners) listener(error);
  }
}

function aborted(signal: AbortSignal): TimbreError {
  return new TimbreError('ABORTED', 'the call was aborted before it was finished', { cause: signal.reason });
}

function exceeded(timeoutMs: number): TimbreError {
  return new TimbreError('DEADLINE_EXCEEDED', `the call was not finished within ${timeoutMs} ms`);
}

function isSignal(value: unknown): value is AbortSignal {
  const { aborted: state, addEventListener } = (
    typeof value === 'object' && value !== null ? value : {}
  ) as Partial<AbortSignal>;
  return typeof state === 'boolean' && typeof addEventListener === 'function';
}

/** Those of one signal share a listener: a signal that stops a thousand calls is no leak for Node to warn of. */
const listenersOf = new WeakMap<AbortSignal, Set<() => void>>();

function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const listeners = listenersOf.get(signal) ?? shared(signal);
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function shared(signal: AbortSignal): Set<() => void> {
  const listeners = new Set<() => void>();
  listenersOf.set(signal, listeners);
  signal.addEventListener(
    'abort',
    () => {
      for (const listener of [...listeners]) listener();
    },
    { once: true },
  );
  return listeners;
}

import { setTimeout as delay } from 'node:timers/promises';
import type { ErrorCode } from '../../errors/error-codes.js';
import type { TimbreError } from '../../errors/timbre-error.js';
import { Bell } from '../../support/bell.js';
import { toTimbreError } from '../http/to-timbre-error.js';
import type { EmbeddingEngine } from './embedding-engine.js';

/** Milliseconds that a piece of work waits at most while recordings of requests queue: constant load is no end. */
const LONGEST_YIELD_MS = 30_000;

/** Pause after something that passes, doubled each time. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'OVERLOADED',
  'MODEL_NOT_READY',
  'ENGINE_CLOSED',
  'CONFLICT',
  'STORAGE_UNAVAILABLE',
  'STORAGE_FULL',
  'WRITE_FAILED',
  'ABORTED',
]);

/** Whether an error passes by itself and says nothing about what was worked on: it is tried again. */
export function passes({ code }: TimbreError): boolean {
  return PASSING.has(code);
}

/** Lets recordings of requests go first: nothing beside them is begun while they queue. */
export class RequestsFirst {
  /** Rings when a recording has left the engine. */
  private readonly room = new Bell();
  private readonly stopListening: () => void;

  constructor(private readonly engine: EmbeddingEngine) {
    const ring = (): void => this.room.ring();
    this.stopListening = engine.listen({ embedded: ring, failed: ring });
  }

  /** Resolves when none of them queues, half a minute later at the latest, or when `signal` is aborted. */
  async wait(signal: AbortSignal): Promise<void> {
    const end = performance.now() + LONGEST_YIELD_MS;
    for (;;) {
      const { rings } = this.room;
      const left = end - performance.now();
      if (left <= 0 || signal.aborted || this.engine.stats().queued === 0) return;
      await this.room.after(rings, signal, left);
    }
  }

  close(): void {
    this.stopListening();
  }
}

/**
 * Takes one turn after the other until one gives false or `signal` is aborted. After one that throws it pauses, longer each
 * time, and `waits` is told for how many seconds.
 */
export async function keepTrying(
  signal: AbortSignal,
  turn: () => Promise<boolean>,
  waits: (error: TimbreError, seconds: number) => void,
): Promise<void> {
  const isOver = (): boolean => signal.aborted;
  for (let pause = FIRST_PAUSE_MS; !isOver();) {
    try {
      if (!(await turn())) return;
      pause = FIRST_PAUSE_MS;
    } catch (thrown) {
      if (isOver()) return;
      waits(toTimbreError(thrown), pause / 1000);
      await delay(pause, undefined, { signal }).catch(() => undefined);
      pause = Math.min(LONGEST_PAUSE_MS, 2 * pause);
    }
  }
}

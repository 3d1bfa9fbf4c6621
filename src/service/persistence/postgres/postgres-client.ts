import type { Socket } from 'node:net';
import pg from 'pg';
import { nameOf } from '../common/prepared.js';

type Query = (text: unknown, values?: unknown, ...rest: unknown[]) => unknown;

/** Not in the driver's types. */
interface Connected {
  connection: { stream: Pick<Socket, 'cork' | 'uncork' | 'destroy'> };
}

/**
 * A connection of the pool. It has PostgreSQL keep the statements of every request (prepared.ts), sends what it is given at once in
 * one piece (a call of the system costs more than a statement), and ends where a statement got no answer in time: what hangs once
 * would hang for whoever had the connection next.
 */
export class PostgresClient extends pg.Client {
  private gathering = false;

  override query = ((text: unknown, values?: unknown, ...rest: unknown[]): unknown => {
    // TypeORM gives every statement as a text.
    const name = typeof text === 'string' ? nameOf(text) : undefined;
    this.gather();
    const query = super.query.bind(this) as Query;
    const answer = name === undefined ? query(text, values, ...rest) : query({ name, text, values });
    if (answer instanceof Promise) answer.catch((error: unknown) => this.endIfSilent(error));
    return answer;
  }) as pg.Client['query'];

  /** Sends nothing until there is nothing to do but wait. */
  private gather(): void {
    if (this.gathering) return;
    this.gathering = true;
    const { stream } = this.connected;
    stream.cork();
    process.nextTick(() => {
      this.gathering = false;
      stream.uncork();
    });
  }

  private endIfSilent(error: unknown): void {
    if (isSilence(error)) this.connected.stream.destroy();
  }

  private get connected(): Connected['connection'] {
    return (this as unknown as Connected).connection;
  }
}

/** Whether PostgreSQL, or what is in between, has not answered a statement in time. */
function isSilence(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout';
}

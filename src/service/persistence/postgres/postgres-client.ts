import pg from 'pg';
import { nameOf } from '../common/prepared.js';

type Query = (text: unknown, values?: unknown, ...rest: unknown[]) => unknown;

/**
 * A connection of the pool. It has PostgreSQL keep the statements of every request (prepared.ts), and ends where a statement got
 * no answer in time: what hangs once would hang for whoever had the connection next.
 */
export class PostgresClient extends pg.Client {
  override query = ((text: unknown, values?: unknown, ...rest: unknown[]): unknown => {
    // TypeORM gives every statement as a text.
    const name = typeof text === 'string' ? nameOf(text) : undefined;
    const query = super.query.bind(this) as Query;
    const answer = name === undefined ? query(text, values, ...rest) : query({ name, text, values });
    if (answer instanceof Promise) answer.catch((error: unknown) => this.endIfSilent(error));
    return answer;
  }) as pg.Client['query'];

  private endIfSilent(error: unknown): void {
    if (!isSilence(error)) return;
    const { connection } = this as unknown as { connection: { stream: { destroy: () => void } } };
    connection.stream.destroy();
  }
}

/** Whether PostgreSQL, or what is in between, has not answered a statement in time. */
function isSilence(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout';
}

import { TimbreError } from '../../../errors/timbre-error.js';
import type { ApiKey } from '../../access/api-key.js';
import { MOST_LINKS, MOST_SESSIONS, Sessions } from '../../access/sessions.js';
import type { Scope } from '../../../support/scopes.js';
import type { PostgresDatabase } from './postgres-database.js';

/** What is sealed. */
interface Contents {
  link: { expiresAt: number };
  session: { name: string; scopes: readonly Scope[]; digest: string; createdAt: number; expiresAt: number };
}

type Kind = keyof Contents;

interface Row {
  id: string;
  sealed: Buffer;
}

/**
 * Known to all nodes, whichever made them. A row is sealed with the data key, with its kind and id: one that another
 * program has written or changed signs nobody in.
 */
export class PostgresSessions extends Sessions {
  constructor(private readonly database: PostgresDatabase) {
    super();
  }

  async addLink(digest: string, milliseconds: number): Promise<Date> {
    const expiresAt = new Date(this.database.now().getTime() + milliseconds);
    await this.keep('link', digest, expiresAt, { expiresAt: expiresAt.getTime() });
    return expiresAt;
  }

  async takeLink(digest: string): Promise<boolean> {
    const content = this.opened('link', await this.remove('link', digest));
    return content !== null && content.expiresAt > this.database.now().getTime();
  }

  async open(key: ApiKey): Promise<void> {
    const { id, name, scopes, digest, createdAt, expiresAt } = key;
    if (!expiresAt) throw new TimbreError('INVALID_ARGUMENT', 'a session needs an end');
    await this.keep('session', id, expiresAt, {
      name,
      scopes,
      digest: digest.toString('base64'),
      createdAt: createdAt.getTime(),
      expiresAt: expiresAt.getTime(),
    });
  }

  async all(): Promise<ApiKey[]> {
    const rows = await this.database.statement<Row>(`SELECT id, sealed FROM sign_ins WHERE kind = 'session'`, []);
    return rows.flatMap((row) => {
      const content = this.opened('session', row);
      return content ? [keyOf(row.id, content)] : [];
    });
  }

  async end(id: string): Promise<boolean> {
    return this.opened('session', await this.remove('session', id)) !== null;
  }

  private async keep<K extends Kind>(kind: K, id: string, expiresAt: Date, content: Contents[K]): Promise<void> {
    const sealed = this.database.cipher.seal(Buffer.from(JSON.stringify(content)), belongsTo(kind, id));
    await this.database.statement(
      `WITH removed AS (
         DELETE FROM sign_ins WHERE expires_at <= $1 OR (kind, id) IN (
           SELECT kind, id FROM sign_ins WHERE kind = $2 ORDER BY expires_at DESC, id OFFSET $3
         )
       )
       INSERT INTO sign_ins (kind, id, expires_at, sealed) VALUES ($2, $4, $5, $6)`,
      [this.database.now().getTime(), kind, MOST[kind] - 1, id, expiresAt.getTime(), sealed],
    );
  }

  private async remove(kind: Kind, id: string): Promise<Row | undefined> {
    // The driver gives the rows of a DELETE with their number; of a SELECT, the rows.
    const [row] = await this.database.statement<Row>(
      `WITH removed AS (DELETE FROM sign_ins WHERE kind = $1 AND id = $2 RETURNING id, sealed) SELECT * FROM removed`,
      [kind, id],
    );
    return row;
  }

  /** Null for a row that is none of this service. */
  private opened<K extends Kind>(kind: K, row: Row | undefined): Contents[K] | null {
    if (!row) return null;
    try {
      return JSON.parse(this.database.cipher.open(row.sealed, belongsTo(kind, row.id)).toString()) as Contents[K];
    } catch (error) {
      if (error instanceof TimbreError && error.code === 'STORAGE_INVALID') return null;
      throw error;
    }
  }
}

const MOST: Readonly<Record<Kind, number>> = { link: MOST_LINKS, session: MOST_SESSIONS };

function keyOf(id: string, { name, scopes, digest, createdAt, expiresAt }: Contents['session']): ApiKey {
  return {
    id,
    name,
    scopes,
    groups: null,
    digest: Buffer.from(digest, 'base64'),
    createdAt: new Date(createdAt),
    expiresAt: new Date(expiresAt),
    revokedAt: null,
    lastUsedOn: null,
  };
}

function belongsTo(kind: Kind, id: string): string[] {
  return ['sign-in', kind, id];
}

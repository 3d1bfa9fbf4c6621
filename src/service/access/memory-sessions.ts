import { makeRoom, type ApiKey } from './api-key.js';
import { MOST_LINKS, MOST_SESSIONS, Sessions } from './sessions.js';

/** For a service that is one process: they end with it. */
export class MemorySessions extends Sessions {
  /** When each link ends. */
  private readonly links = new Map<string, Date>();
  private readonly sessions = new Map<string, ApiKey>();

  addLink(digest: string, milliseconds: number): Promise<Date> {
    const expiresAt = new Date(Date.now() + milliseconds);
    for (const oldest of this.links.keys()) {
      if (this.links.size < MOST_LINKS) break;
      this.links.delete(oldest);
    }
    this.links.set(digest, expiresAt);
    return Promise.resolve(expiresAt);
  }

  takeLink(digest: string): Promise<boolean> {
    const until = this.links.get(digest);
    this.links.delete(digest);
    return Promise.resolve(until !== undefined && until > new Date());
  }

  open(key: ApiKey): Promise<void> {
    makeRoom(this.sessions, MOST_SESSIONS);
    this.sessions.set(key.id, key);
    return Promise.resolve();
  }

  all(): Promise<ApiKey[]> {
    return Promise.resolve([...this.sessions.values()]);
  }

  end(id: string): Promise<boolean> {
    return Promise.resolve(this.sessions.delete(id));
  }
}

import type { Answer } from '../../client/index.js';

/** Where Swagger UI's page looks for a key, too. */
const STORAGE_NAME = 'timbre-session';
const LINK = /^#sign-in=([\w-]+)$/;

/** A key, and until when it is worth something where that is known. */
export interface Credentials {
  key: string;
  expiresAt: string | null;
}

/** `none`: somebody has to sign in; `link`: a link's code is to be exchanged; `in`: calls bring a key. */
export type SessionState =
  | { status: 'none'; reason: 'new' | 'expired' | 'ended' | 'link-refused' }
  | { status: 'link'; code: string }
  | { status: 'in'; expiresAt: string | null };

type Page = Pick<Window, 'sessionStorage' | 'location' | 'history'>;

/** Who uses the page. The key is held in memory; in the tab's session storage only where somebody asked for that. */
export class Session {
  private credentials: Credentials | null = null;
  private current: SessionState = { status: 'none', reason: 'new' };
  private readonly listeners = new Set<() => void>();

  private constructor(private readonly page: Page) {}

  /** Takes a link's code out of the address, or a kept key out of the storage. */
  static begin(page: Page): Session {
    const session = new Session(page);
    const code = LINK.exec(page.location.hash)?.[1];
    if (code !== undefined) {
      page.history.replaceState(null, '', page.location.pathname + page.location.search);
      session.current = { status: 'link', code };
      return session;
    }
    const kept = readKept(page.sessionStorage);
    if (kept) session.enter(kept, { keep: true });
    return session;
  }

  get state(): SessionState {
    return this.current;
  }

  /** The key for the next call. */
  readonly key = (): string | undefined => this.credentials?.key;

  get isKept(): boolean {
    return this.credentials !== null && this.page.sessionStorage.getItem(STORAGE_NAME) !== null;
  }

  enter(credentials: Credentials, { keep }: { keep: boolean }): void {
    this.credentials = credentials;
    this.keep(keep);
    this.become({ status: 'in', expiresAt: credentials.expiresAt });
  }

  /** What the service answered to a link's code. */
  opened({ key, expiresAt }: Answer<'signIn'>): void {
    this.enter({ key, expiresAt }, { keep: false });
  }

  /** Whether the key outlives a reload of the tab. */
  keep(wanted: boolean): void {
    if (wanted && this.credentials) this.page.sessionStorage.setItem(STORAGE_NAME, JSON.stringify(this.credentials));
    else this.page.sessionStorage.removeItem(STORAGE_NAME);
    this.tell();
  }

  leave(reason: 'expired' | 'ended' | 'link-refused'): void {
    this.credentials = null;
    this.page.sessionStorage.removeItem(STORAGE_NAME);
    this.become({ status: 'none', reason });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private become(state: SessionState): void {
    this.current = state;
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

function readKept(storage: Storage): Credentials | null {
  const text = storage.getItem(STORAGE_NAME);
  if (text === null) return null;
  try {
    const { key, expiresAt } = JSON.parse(text) as Partial<Credentials>;
    if (typeof key !== 'string') throw new TypeError('no key');
    if (typeof expiresAt === 'string' && new Date(expiresAt) <= new Date()) throw new RangeError('expired');
    return { key, expiresAt: expiresAt ?? null };
  } catch {
    // Another program's, or one that has ended: it is worth nothing, and is not left there.
    storage.removeItem(STORAGE_NAME);
    return null;
  }
}

import { Menu as MenuIcon, X } from 'lucide-react';
import { Component, Suspense, useEffect, useRef, useState, type ReactNode } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { Link, Route, Switch, useLocation } from 'wouter';
import { useAccess, useApi, useInfo, useSession } from './api/context.js';
import { useErrorText } from './i18n/errors.js';
import { useFormat, useMessages } from './i18n/index.js';
import { PAGES, SECTIONS } from './routes.js';
import { Button } from './ui/button.js';
import { Checkbox } from './ui/field.js';
import { EmptyState } from './ui/empty-state.js';
import { Notice } from './ui/notice.js';
import { Preferences } from './ui/preferences.js';
import { Loading } from './ui/loading.js';
import { Wordmark } from './ui/wordmark.js';
import css from './shell.module.css';

/** Navigation at the side, a page beside it; on narrow screens the navigation opens over the page. */
export function Shell(): ReactNode {
  const t = useMessages();
  const [location] = useLocation();
  const [open, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const shown = useRef(location);

  useEffect(() => {
    if (shown.current === location) return;
    shown.current = location;
    setOpen(false);
    // As a page that was loaded anew: at its beginning, and read from there.
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [location]);

  useEffect(() => {
    if (!open) return;
    const close = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') setOpen(false);
    };
    window.addEventListener('keydown', close);
    return () => window.removeEventListener('keydown', close);
  }, [open]);

  return (
    <div className={css['shell']}>
      <a
        className={css['skip']}
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {t.nav.skip}
      </a>
      <header className={css['bar']}>
        <Wordmark />
        <Button
          kind="plain"
          aria-expanded={open}
          aria-controls="navigation"
          aria-label={open ? t.nav.closeMenu : t.nav.openMenu}
          onClick={() => setOpen(!open)}
        >
          {open ? <X aria-hidden /> : <MenuIcon aria-hidden />}
        </Button>
      </header>
      <div id="navigation" className={css['side']} data-open={open || undefined}>
        <div className={css['brand']}>
          <Wordmark />
        </div>
        <Navigation location={location} />
        <Account />
      </div>
      <main id="main" ref={main} tabIndex={-1} className={css['main']}>
        <ServiceState />
        <PageBoundary key={location}>
          <Suspense fallback={<Loading />}>
            <Switch>
              {PAGES.map(([pattern, Page]) => (
                <Route key={pattern} path={pattern} component={Page} />
              ))}
              <Route>
                <EmptyState title={t.common.noSuchPage}>
                  <Link href="/">{t.nav.sections.home}</Link>
                </EmptyState>
              </Route>
            </Switch>
          </Suspense>
        </PageBoundary>
      </main>
    </div>
  );
}

function Navigation({ location }: { location: string }): ReactNode {
  const t = useMessages().nav;
  const { may } = useAccess();
  return (
    <nav aria-label={t.label}>
      <ul className={css['sections']}>
        {SECTIONS.filter(({ scope }) => may(scope)).map(({ name, path, icon: Icon }) => {
          const here = path === '/' ? location === '/' : location === path || location.startsWith(`${path}/`);
          return (
            <li key={path}>
              <Link href={path} aria-current={here ? 'page' : undefined}>
                <Icon aria-hidden size={18} />
                {t.sections[name]}
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

function Account(): ReactNode {
  const t = useMessages();
  const format = useFormat();
  const api = useApi();
  const queries = useQueryClient();
  const [session, state] = useSession();
  const [kept, setKept] = useState(session.isKept);
  const info = useInfo();

  const leave = (): void => {
    // A key of a link ends with its session; of any other the service keeps on taking it.
    api.call('signOut').catch(() => undefined);
    queries.clear();
    session.leave('ended');
  };

  return (
    <footer className={css['account']}>
      <Preferences />
      <Checkbox
        checked={kept}
        onChange={(wanted) => {
          session.keep(wanted);
          setKept(wanted);
        }}
        label={t.signIn.keep}
      />
      {state.status === 'in' && state.expiresAt !== null && (
        <p className={css['fine']}>{t.signIn.until(format.dateTime(state.expiresAt))}</p>
      )}
      <Button onClick={leave}>{t.signIn.leave}</Button>
      <p className={css['fine']}>
        <a href="docs" target="_blank" rel="noreferrer">
          {t.nav.apiDocs}
        </a>
        {info && <> · Timbre {info.version}</>}
      </p>
    </footer>
  );
}

/** What keeps the whole service from answering with voices. */
function ServiceState(): ReactNode {
  const t = useMessages().common;
  const info = useInfo();
  if (!info || info.state === 'ready') return null;
  return (
    <div className={css['state']}>
      <Notice tone={info.state === 'failed' ? 'bad' : 'info'} title={t.modelStates[info.state]}>
        {info.message}
      </Notice>
    </div>
  );
}

/** A page that fails says so, and the others go on. */
class PageBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    return this.state.error === null ? this.props.children : <PageFailed error={this.state.error} />;
  }
}

function PageFailed({ error }: { error: unknown }): ReactNode {
  const t = useMessages().common;
  const textOf = useErrorText();
  return (
    <EmptyState title={t.pageFailed}>
      <p>{textOf(error)}</p>
      <Button onClick={() => window.location.reload()}>{t.reload}</Button>
    </EmptyState>
  );
}

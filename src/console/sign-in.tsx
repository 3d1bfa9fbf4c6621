import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { TimbreClient, TimbreError } from '../client/index.js';
import { serviceAddress } from './api/client.js';
import { useApi, useSession } from './api/context.js';
import { useErrorText } from './i18n/errors.js';
import { useMessages } from './i18n/index.js';
import { Button } from './ui/button.js';
import { Checkbox, TextField } from './ui/field.js';
import { Preferences } from './ui/preferences.js';
import { Notice } from './ui/notice.js';
import { Wordmark } from './ui/wordmark.js';
import css from './sign-in.module.css';

/** Asks for a key, or exchanges a link's code for one. */
export function SignIn(): ReactNode {
  const t = useMessages().signIn;
  const [, state] = useSession();
  return (
    <main className={css['page']}>
      <div className={css['card']}>
        <Wordmark />
        <h1>{t.title}</h1>
        {state.status === 'link' ? <Exchange code={state.code} /> : <KeyForm />}
      </div>
      <div className={css['preferences']}>
        <Preferences />
      </div>
    </main>
  );
}

/** A link works once, and so it is exchanged once, however often this component is mounted. */
function Exchange({ code }: { code: string }): ReactNode {
  const t = useMessages().signIn;
  const api = useApi();
  const [session] = useSession();
  const [error, setError] = useState<unknown>(null);
  const textOf = useErrorText();
  const asked = useRef(false);
  useEffect(() => {
    if (asked.current) return;
    asked.current = true;
    api.call('signIn', { 'x-sign-in-code': code }).then(
      (answer) => session.opened(answer),
      (thrown: unknown) => {
        if (thrown instanceof TimbreError && thrown.code === 'UNAUTHENTICATED') session.leave('link-refused');
        else setError(thrown);
      },
    );
  }, [api, code, session]);
  if (error === null) return <p role="status">{t.exchanging}</p>;
  return (
    <>
      <Notice tone="bad">{textOf(error)}</Notice>
      <Button onClick={() => session.leave('ended')}>{t.useKey}</Button>
    </>
  );
}

function KeyForm(): ReactNode {
  const t = useMessages().signIn;
  const textOf = useErrorText();
  const [session, state] = useSession();
  const [key, setKey] = useState('');
  const [keep, setKeep] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const heading = useId();
  const reason = state.status === 'none' ? t.reasons[state.reason] : '';

  const enter = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const text = key.trim();
      // Tried before it counts: a wrong key never becomes the page's.
      await new TimbreClient({ url: serviceAddress(), key: text, attempts: 2 }).call('getAccess');
      session.enter({ key: text, expiresAt: null }, { keep });
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };

  return (
    <form
      aria-labelledby={heading}
      className={css['form']}
      onSubmit={(event) => {
        event.preventDefault();
        void enter();
      }}
    >
      {reason !== '' && <Notice tone="info">{reason}</Notice>}
      <p id={heading} className="muted">
        {t.explain}
      </p>
      <pre className={css['command']}>npx timbre sign-in</pre>
      <TextField
        label={t.key}
        type="password"
        value={key}
        onChange={setKey}
        autoComplete="off"
        spellCheck={false}
        placeholder="tmb_…"
        required
      />
      <Checkbox checked={keep} onChange={setKeep} label={t.keep} hint={t.keepHint} />
      {error !== null && <Notice tone="bad">{textOf(error)}</Notice>}
      <Button type="submit" kind="primary" busy={busy} disabled={key.trim() === ''}>
        {t.enter}
      </Button>
    </form>
  );
}

import { CSPProvider } from '@base-ui/react/csp-provider';
import { QueryClientProvider } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Router } from 'wouter';
import { useHashLocation } from 'wouter/use-hash-location';
import type { TimbreClient } from '../client/index.js';
import { ServiceProvider, useSession } from './api/context.js';
import { queryClientOf } from './api/queries.js';
import { LanguageProvider, type Language } from './i18n/index.js';
import { TakesProvider } from './pages/enrol/takes-of-people.js';
import type { Session } from './session/session.js';
import { SignIn } from './sign-in.js';
import { Shell } from './shell.js';
import { ToastProvider } from './ui/toast.js';

interface AppProps {
  session: Session;
  client: TimbreClient;
  initialLanguage: Language;
}

export function App({ session, client, initialLanguage }: AppProps): ReactNode {
  return (
    <CSPProvider disableStyleElements>
      <LanguageProvider initial={initialLanguage}>
        <ServiceProvider client={client} session={session}>
          <ToastProvider>
            <Gate />
          </ToastProvider>
        </ServiceProvider>
      </LanguageProvider>
    </CSPProvider>
  );
}

/** The page for whoever has a key; nothing that was asked with one key is shown to another. */
function Gate(): ReactNode {
  const [session, state] = useSession();
  if (state.status !== 'in') return <SignIn />;
  return <SignedIn key={session.key()} session={session} />;
}

function SignedIn({ session }: { session: Session }): ReactNode {
  const [queries] = useState(() => queryClientOf(session));
  return (
    <QueryClientProvider client={queries}>
      <Router hook={useHashLocation}>
        <TakesProvider>
          <Shell />
        </TakesProvider>
      </Router>
    </QueryClientProvider>
  );
}

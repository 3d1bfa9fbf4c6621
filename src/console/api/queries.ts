import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { TimbreError } from '../../client/index.js';
import type { Session } from '../session/session.js';

/** What is asked again because another page, or another program, may have changed it. */
const STALE_MS = 5000;

/** Answers of the service, in memory; a key that is refused ends the session, whichever call it was. */
export function queryClientOf(session: Session): QueryClient {
  const onError = (error: Error): void => {
    if (error instanceof TimbreError && error.code === 'UNAUTHENTICATED' && session.state.status === 'in') {
      session.leave('expired');
    }
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      // The client itself tries again where the service is busy; everything else is told at once.
      queries: { retry: false, staleTime: STALE_MS },
      mutations: { retry: false },
    },
  });
}

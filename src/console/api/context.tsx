import { createContext, useContext, useMemo, useSyncExternalStore, type ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import type { Answer, TimbreClient } from '../../client/index.js';
import type { Session, SessionState } from '../session/session.js';

export type Scope = Answer<'getAccess'>['scopes'][number];

interface Service {
  client: TimbreClient;
  session: Session;
}

const ServiceContext = createContext<Service | null>(null);

export function ServiceProvider({ client, session, children }: Service & { children: ReactNode }): ReactNode {
  const service = useMemo(() => ({ client, session }), [client, session]);
  return <ServiceContext value={service}>{children}</ServiceContext>;
}

function useService(): Service {
  const service = useContext(ServiceContext);
  if (!service) throw new Error('outside of ServiceProvider');
  return service;
}

/** Every call of the service: `api.call('listSpeakers', { limit: 50 })` or `api.listSpeakers(...)`. */
export function useApi(): TimbreClient {
  return useService().client;
}

export function useSession(): [Session, SessionState] {
  const { session } = useService();
  return [session, useSyncExternalStore(session.subscribe, () => session.state)];
}

/** What the key of the page may do. */
export interface Access {
  may: (scope: Scope) => boolean;
  /** Groups that the key is bound to; null: to none. */
  groups: readonly string[] | null;
  /** Null where no key was needed. */
  keyId: string | null;
  /** False until the service has said it: nothing is offered before. */
  known: boolean;
}

export function useAccess(): Access {
  const api = useApi();
  const { data } = useQuery({ queryKey: ['access'], queryFn: () => api.call('getAccess'), staleTime: Infinity });
  return useMemo(
    () => ({
      may: (scope) =>
        data !== undefined && (data.scopes.includes(scope) || (scope !== 'vectors' && data.scopes.includes('admin'))),
      groups: data?.groups ?? null,
      keyId: data?.keyId ?? null,
      known: data !== undefined,
    }),
    [data],
  );
}

/** What runs there, and within which limits. */
export function useInfo(): Answer<'getInfo'> | undefined {
  const api = useApi();
  return useQuery({ queryKey: ['info'], queryFn: () => api.call('getInfo'), staleTime: 30_000 }).data;
}

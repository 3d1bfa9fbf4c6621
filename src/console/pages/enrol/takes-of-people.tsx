import { createContext, useCallback, useContext, useState, type ReactNode } from 'react';
import type { Answer } from '../../../client/index.js';
import { useAskBeforeLeaving } from '../../ui/use-ask-before-leaving.js';

export interface Take {
  key: number;
  file: File;
  state: 'ready' | 'sending' | 'done' | 'failed';
  result: Answer<'enrol'>['results'][number] | null;
  error: unknown;
}

interface TakesOfPerson {
  /** Newest first. */
  takes: readonly Take[];
  add: (files: readonly File[]) => void;
  change: (key: number, to: Partial<Take>) => void;
  discard: (key: number) => void;
}

type TakesById = Readonly<Record<string, readonly Take[]>>;
type Change = (id: string, to: (takes: readonly Take[]) => readonly Take[]) => void;

/** How many were ever made: each has a key of its own. */
let taken = 0;

const Context = createContext<readonly [TakesById, Change] | null>(null);

/**
 * Keeps recordings that were not sent while other pages are looked at, until whoever is signed in leaves; the browser asks
 * before it loses one.
 */
export function TakesProvider({ children }: { children: ReactNode }): ReactNode {
  const [byId, setById] = useState<TakesById>({});
  const change = useCallback<Change>((id, to) => setById((all) => ({ ...all, [id]: to(all[id] ?? []) })), []);
  useAskBeforeLeaving(Object.values(byId).some((takes) => takes.some(({ state }) => state !== 'done')));
  return <Context.Provider value={[byId, change]}>{children}</Context.Provider>;
}

export function useTakes(id: string): TakesOfPerson {
  const context = useContext(Context);
  if (!context) throw new Error('takes are kept by TakesProvider');
  const [byId, changeOf] = context;
  const add = (files: readonly File[]): void => {
    const added = files.map((file) => ({ key: ++taken, file, state: 'ready' as const, result: null, error: null }));
    changeOf(id, (all) => [...added, ...all]);
  };
  return {
    takes: byId[id] ?? [],
    add,
    change: (key, to) => changeOf(id, (all) => all.map((take) => (take.key === key ? { ...take, ...to } : take))),
    discard: (key) => changeOf(id, (all) => all.filter((take) => take.key !== key)),
  };
}

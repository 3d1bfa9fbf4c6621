import { useCallback } from 'react';
import { TimbreError } from '../../client/index.js';
import { useMessages, type Messages } from './index.js';

/** What an error says to whoever uses the page: what was wrong, and what to do. */
export function errorText(error: unknown, t: Messages): string {
  if (error instanceof TimbreError) {
    const sentences: Partial<Record<string, string>> = t.errors.sentences;
    // The service's own sentence is for whoever calls; ours says what to do here, in the reader's language.
    const own = sentences[error.code];
    return own ?? error.message;
  }
  return error instanceof Error ? `${t.errors.unexpected} ${error.message}` : t.errors.unexpected;
}

export function useErrorText(): (error: unknown) => string {
  const t = useMessages();
  return useCallback((error: unknown) => errorText(error, t), [t]);
}

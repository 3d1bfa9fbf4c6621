import type { ReactNode } from 'react';
import { useErrorText } from '../i18n/errors.js';
import { useMessages } from '../i18n/index.js';
import { Button } from './button.js';
import { Notice } from './notice.js';

/** What could not be read, why, and the way to try again. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }): ReactNode {
  const t = useMessages().common;
  const textOf = useErrorText();
  return (
    <Notice tone="bad">
      {textOf(error)}
      {onRetry && <Button onClick={onRetry}>{t.retry}</Button>}
    </Notice>
  );
}

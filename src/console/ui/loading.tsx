import type { ReactNode } from 'react';
import { useMessages } from '../i18n/index.js';
import css from './loading.module.css';

export function Loading(): ReactNode {
  const t = useMessages().common;
  return (
    <p role="status" className={css['loading']}>
      <span aria-hidden className={css['spinner']} />
      {t.loading}
    </p>
  );
}

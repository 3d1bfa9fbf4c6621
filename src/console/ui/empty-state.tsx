import type { ReactNode } from 'react';
import css from './empty-state.module.css';

/** In place of what is not there: why, and what to do. */
export function EmptyState({ title, children }: { title: string; children?: ReactNode }): ReactNode {
  return (
    <section className={css['empty']}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

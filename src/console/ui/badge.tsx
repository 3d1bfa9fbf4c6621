import type { ReactNode } from 'react';
import type { Tone } from './notice.js';
import css from './badge.module.css';

/** A state in a word or two. */
export function Badge({ tone = 'info', children }: { tone?: Tone; children: ReactNode }): ReactNode {
  return (
    <span className={css['badge']} data-tone={tone}>
      {children}
    </span>
  );
}

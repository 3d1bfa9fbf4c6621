import type { ReactNode } from 'react';
import css from './wordmark.module.css';

export function Wordmark(): ReactNode {
  return (
    <span className={css['wordmark']}>
      <svg aria-hidden viewBox="0 0 32 32" width="26" height="26">
        <rect width="32" height="32" rx="8" fill="var(--accent)" />
        <path
          d="M7 13v6M11.5 9.5v13M16 6v20M20.5 11v10M25 14v4"
          stroke="var(--on-accent)"
          strokeWidth="2.5"
          strokeLinecap="round"
        />
      </svg>
      Timbre
    </span>
  );
}

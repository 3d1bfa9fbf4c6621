import { useId, type ReactNode } from 'react';
import css from './progress.module.css';

interface ProgressProps {
  label: string;
  /** In words, beside the label. */
  text: string;
  /** Share in [0, 1]. */
  value: number;
  tone?: 'accent' | 'good' | 'bad';
}

export function Progress({ label, text, value, tone = 'accent' }: ProgressProps): ReactNode {
  const id = useId();
  const share = Math.max(0, Math.min(1, value));
  return (
    <div className={css['progress']}>
      <div className={css['words']}>
        <span id={id}>{label}</span>
        <span className="numeric">{text}</span>
      </div>
      <div
        role="progressbar"
        aria-labelledby={id}
        aria-valuenow={Math.round(share * 100)}
        aria-valuetext={text}
        className={css['track']}
      >
        <div className={css['bar']} data-tone={tone} style={{ width: `${share * 100}%` }} />
      </div>
    </div>
  );
}

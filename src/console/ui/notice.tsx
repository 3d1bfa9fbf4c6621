import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import css from './notice.module.css';

export type Tone = 'info' | 'good' | 'warn' | 'bad';

const ICONS = { info: Info, good: CircleCheck, warn: TriangleAlert, bad: CircleAlert };

/** Something to know. `bad` is read out at once, the others when there is time. */
export function Notice({ tone, title, children }: { tone: Tone; title?: string; children?: ReactNode }): ReactNode {
  const Icon = ICONS[tone];
  return (
    <div className={css['notice']} data-tone={tone} role={tone === 'bad' ? 'alert' : 'status'}>
      <Icon aria-hidden size={18} />
      <div className={css['text']}>
        {title !== undefined && <strong>{title}</strong>}
        {children}
      </div>
    </div>
  );
}

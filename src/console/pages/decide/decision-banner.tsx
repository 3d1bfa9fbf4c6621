import { CircleCheck, CircleHelp, CircleX } from 'lucide-react';
import type { ReactNode } from 'react';
import css from './decision-banner.module.css';

interface DecisionBannerProps {
  tone: 'good' | 'warn' | 'bad' | 'neutral';
  title: string;
  children?: ReactNode;
}

const ICONS = { good: CircleCheck, warn: CircleHelp, bad: CircleX, neutral: CircleHelp };

/** What was decided, large enough to be read across a desk. */
export function DecisionBanner({ tone, title, children }: DecisionBannerProps): ReactNode {
  const Icon = ICONS[tone];
  return (
    <div className={css['banner']} data-tone={tone} role="status">
      <Icon aria-hidden size={36} />
      <div>
        <p className={css['title']} dir="auto">
          {title}
        </p>
        {children}
      </div>
    </div>
  );
}

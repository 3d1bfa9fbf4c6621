import { useEffect, type ReactNode } from 'react';
import css from './page-header.module.css';

interface PageHeaderProps {
  title: string;
  /** A sentence on what the page is for. */
  lead?: ReactNode;
  /** Above the title: where the page belongs. */
  above?: ReactNode;
  /** Buttons beside the title. */
  children?: ReactNode;
}

/** The heading of a page, which is the title of the tab too. */
export function PageHeader({ title, lead, above, children }: PageHeaderProps): ReactNode {
  useEffect(() => {
    document.title = `${title} · Timbre`;
  }, [title]);
  return (
    <header className={css['header']}>
      <div className={css['text']}>
        {above}
        <h1 dir="auto">{title}</h1>
        {lead !== undefined && <p className="muted">{lead}</p>}
      </div>
      {children !== undefined && <div className={css['actions']}>{children}</div>}
    </header>
  );
}

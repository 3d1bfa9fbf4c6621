import { ChevronLeft, ChevronRight } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { useMessages } from '../i18n/index.js';
import { Button } from './button.js';
import css from './pager.module.css';

/** Where a list that the service pages is: the cursors of the pages that were gone through. `key` of what is searched starts it anew. */
export function usePages(key: string): {
  cursor: string | undefined;
  page: number;
  next: (cursor: string) => void;
  back: () => void;
} {
  const [at, setAt] = useState<{ key: string; cursors: string[] }>({ key, cursors: [] });
  const cursors = at.key === key ? at.cursors : [];
  return {
    cursor: cursors.at(-1),
    page: cursors.length + 1,
    next: (cursor) => setAt({ key, cursors: [...cursors, cursor] }),
    back: () => setAt({ key, cursors: cursors.slice(0, -1) }),
  };
}

interface PagerProps {
  pages: ReturnType<typeof usePages>;
  nextCursor: string | null;
  /** What is shown beside the buttons. */
  children?: ReactNode;
}

export function Pager({ pages, nextCursor, children }: PagerProps): ReactNode {
  const t = useMessages().common;
  if (pages.page === 1 && nextCursor === null)
    return children === undefined ? null : <div className={css['pager']}>{children}</div>;
  return (
    <div className={css['pager']}>
      <span>{children}</span>
      <div className={css['buttons']}>
        <Button disabled={pages.page === 1} onClick={pages.back}>
          <ChevronLeft aria-hidden />
          {t.previous}
        </Button>
        <span className="numeric">{t.page(pages.page)}</span>
        <Button disabled={nextCursor === null} onClick={() => nextCursor !== null && pages.next(nextCursor)}>
          {t.next}
          <ChevronRight aria-hidden />
        </Button>
      </div>
    </div>
  );
}

import { useId, type ReactNode } from 'react';
import css from './card.module.css';

interface CardProps {
  title?: string;
  /** Beside the title. */
  actions?: ReactNode;
  children: ReactNode;
}

/** A part of a page, with a heading of its own. */
export function Card({ title, actions, children }: CardProps): ReactNode {
  const id = useId();
  return (
    <section className={css['card']} aria-labelledby={title === undefined ? undefined : id}>
      {title !== undefined && (
        <div className={css['head']}>
          <h2 id={id}>{title}</h2>
          {actions}
        </div>
      )}
      {children}
    </section>
  );
}

import type { ReactNode } from 'react';
import css from './table.module.css';

interface TableProps {
  /** What it lists; read out, not shown. */
  caption: string;
  /** Headings of the columns; an empty one is read as nothing. */
  columns: readonly ReactNode[];
  /** Rows. */
  children: ReactNode;
}

/** A list with columns; where it is wider than the screen it scrolls by itself, by the keyboard too. */
export function Table({ caption, columns, children }: TableProps): ReactNode {
  return (
    // A region that scrolls has to be reached by the keyboard.
    <div className={css['wrap']} role="region" aria-label={caption} tabIndex={0}>
      <table className={css['table']}>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column, i) => (
              <th key={i} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

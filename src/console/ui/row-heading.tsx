import type { ReactNode } from 'react';
import { Link } from 'wouter';

/** The first cell of a row: the name of what it is about, which leads to its page, and the id where that is another text. */
export function RowHeading({ href, name, id }: { href: string; name: string; id: string }): ReactNode {
  return (
    <th scope="row">
      <Link href={href} dir="auto">
        {name}
      </Link>
      {name !== id && (
        <div className="muted mono" dir="auto">
          {id}
        </div>
      )}
    </th>
  );
}

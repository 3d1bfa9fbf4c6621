import type { ComponentProps, ReactNode } from 'react';
import { Link } from 'wouter';
import css from './button.module.css';

type Kind = 'primary' | 'secondary' | 'danger' | 'plain';

interface ButtonProps extends ComponentProps<'button'> {
  kind?: Kind;
  /** What it does is under way: it cannot be pressed again, and keeps the focus. */
  busy?: boolean;
}

export function Button({
  kind = 'secondary',
  busy = false,
  type = 'button',
  onClick,
  ...rest
}: ButtonProps): ReactNode {
  return (
    <button
      {...rest}
      type={type}
      className={css['button']}
      data-kind={kind}
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.(event);
      }}
    />
  );
}

/** A link that looks like a button. */
export function ButtonLink({
  kind = 'secondary',
  href,
  children,
}: {
  kind?: Kind;
  href: string;
  children: ReactNode;
}): ReactNode {
  return (
    <Link href={href} className={css['button'] ?? ''} data-kind={kind}>
      {children}
    </Link>
  );
}

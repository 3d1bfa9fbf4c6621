import { Dialog as Base } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useMessages } from '../i18n/index.js';
import css from './dialog.module.css';

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  /** What it is about, read with the title. */
  description?: ReactNode;
  children?: ReactNode;
  /** Buttons. */
  actions?: ReactNode;
}

/** Over the page, which waits: Escape and a press outside close it, the focus stays in it and goes back after it. */
export function Dialog({ open, onClose, title, description, children, actions }: DialogProps): ReactNode {
  const t = useMessages().common;
  return (
    <Base.Root open={open} onOpenChange={(is) => (is ? undefined : onClose())}>
      <Base.Portal>
        <Base.Backdrop className={css['backdrop']} />
        <Base.Popup className={css['popup']}>
          <div className={css['head']}>
            <Base.Title className={css['title']} dir="auto">
              {title}
            </Base.Title>
            <Base.Close className={css['close']} aria-label={t.close}>
              <X aria-hidden size={18} />
            </Base.Close>
          </div>
          {description !== undefined && (
            <Base.Description className={css['description']} render={<div />}>
              {description}
            </Base.Description>
          )}
          {children}
          {actions !== undefined && <div className={css['actions']}>{actions}</div>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

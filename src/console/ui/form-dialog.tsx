import { useId, type ReactNode } from 'react';
import { useErrorText } from '../i18n/errors.js';
import { useMessages } from '../i18n/index.js';
import layout from '../styles/layout.module.css';
import { Button } from './button.js';
import { Dialog } from './dialog.js';
import { Notice } from './notice.js';

interface FormDialogProps {
  onClose: () => void;
  title: string;
  description?: ReactNode;
  /** Of the button that sends it. */
  action: string;
  /** Whether what is filled in cannot be sent. */
  incomplete: boolean;
  busy: boolean;
  /** Why it was refused. */
  error: Error | null;
  onSubmit: () => void;
  children: ReactNode;
}

/** A form over the page. */
export function FormDialog(props: FormDialogProps): ReactNode {
  const { onClose, title, description, action, incomplete, busy, error, onSubmit, children } = props;
  const t = useMessages().common;
  const textOf = useErrorText();
  const form = useId();
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      description={description}
      actions={
        <>
          <Button onClick={onClose}>{t.cancel}</Button>
          <Button kind="primary" type="submit" form={form} busy={busy} disabled={incomplete}>
            {action}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className={layout['stack']}
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) onSubmit();
        }}
      >
        {children}
        {error && <Notice tone="bad">{textOf(error)}</Notice>}
      </form>
    </Dialog>
  );
}

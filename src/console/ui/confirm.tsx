import { useState, type ReactNode } from 'react';
import { useMessages } from '../i18n/index.js';
import { useErrorText } from '../i18n/errors.js';
import { Button } from './button.js';
import { Dialog } from './dialog.js';
import { Notice } from './notice.js';

interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  title: string;
  description: ReactNode;
  /** What the button says that does it. */
  action: string;
  danger?: boolean;
  disabled?: boolean;
  /** Closes the dialog when it has been done; what fails is told in it. */
  onConfirm: () => Promise<unknown>;
  /** What an error means here, where that is more than its code says everywhere. */
  sentenceOf?: (error: unknown) => string | undefined;
  children?: ReactNode;
}

/** Asks once more before something is done. */
export function Confirm(props: ConfirmProps): ReactNode {
  const { open, onClose, title, description, action, danger = false, disabled = false, onConfirm, children } = props;
  const { sentenceOf } = props;
  const t = useMessages().common;
  const textOf = useErrorText();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const close = (): void => {
    setError(null);
    onClose();
  };
  const confirm = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      close();
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      open={open}
      onClose={close}
      title={title}
      description={description}
      actions={
        <>
          <Button onClick={close}>{t.cancel}</Button>
          <Button kind={danger ? 'danger' : 'primary'} busy={busy} disabled={disabled} onClick={() => void confirm()}>
            {action}
          </Button>
        </>
      }
    >
      {children}
      {error !== null && <Notice tone="bad">{sentenceOf?.(error) ?? textOf(error)}</Notice>}
    </Dialog>
  );
}

import { Copy } from 'lucide-react';
import { useRef, useState, type ReactNode } from 'react';
import { useMessages } from '../../i18n/index.js';
import { Button } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import css from './operations.module.css';

interface ShownOnceProps {
  title: string;
  description: string;
  /** What the secret is. */
  label: string;
  secret: string;
  onClose: () => void;
}

/** A secret that the service tells once: whoever closes the dialog has it, or makes another. */
export function ShownOnce({ title, description, label, secret, onClose }: ShownOnceProps): ReactNode {
  const t = useMessages().operations.shownOnce;
  const field = useRef<HTMLInputElement>(null);
  const [copied, setCopied] = useState<boolean | null>(null);
  const copy = (): void => {
    field.current?.select();
    // Over http on another machine there is no clipboard: the secret is selected then.
    const { clipboard } = navigator as { clipboard?: Clipboard };
    if (!clipboard) setCopied(false);
    else
      clipboard.writeText(secret).then(
        () => setCopied(true),
        () => setCopied(false),
      );
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      description={description}
      actions={
        <Button kind="primary" onClick={onClose}>
          {t.done}
        </Button>
      }
    >
      <div className={css['secret']}>
        <input
          ref={field}
          readOnly
          className="mono"
          aria-label={label}
          value={secret}
          onFocus={(event) => event.target.select()}
        />
        <Button onClick={copy}>
          <Copy aria-hidden /> {t.copy}
        </Button>
      </div>
      {copied !== null && <p role="status">{copied ? t.copied : t.copyFailed}</p>}
    </Dialog>
  );
}

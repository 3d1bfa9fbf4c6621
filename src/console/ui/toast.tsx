import { Toast } from '@base-ui/react/toast';
import { X } from 'lucide-react';
import { useCallback, type ReactNode } from 'react';
import { useErrorText } from '../i18n/errors.js';
import { useMessages } from '../i18n/index.js';
import css from './toast.module.css';

export function ToastProvider({ children }: { children: ReactNode }): ReactNode {
  return (
    <Toast.Provider timeout={6000}>
      {children}
      <Toast.Portal>
        <Toast.Viewport className={css['viewport']}>
          <Toasts />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function Toasts(): ReactNode {
  const t = useMessages().common;
  const { toasts } = Toast.useToastManager();
  return toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className={css['toast']}>
      <Toast.Content className={css['content']}>
        {/* The name of a dialog, which each of them is to whoever hears the page. */}
        <Toast.Title className={css['text']} dir="auto" render={<p />}>
          {toast.description}
        </Toast.Title>
        <Toast.Close className={css['close']} aria-label={t.close}>
          <X aria-hidden size={16} />
        </Toast.Close>
      </Toast.Content>
    </Toast.Root>
  ));
}

/** `tell` says for a moment that something is done, `tellError` that it is not and why. */
export function useToast(): { tell: (text: string) => void; tellError: (error: unknown) => void } {
  const { add } = Toast.useToastManager();
  const textOf = useErrorText();
  const tell = useCallback((text: string) => void add({ description: text, type: 'good' }), [add]);
  const tellError = useCallback(
    (error: unknown) => void add({ description: textOf(error), type: 'bad', priority: 'high', timeout: 0 }),
    [add, textOf],
  );
  return { tell, tellError };
}

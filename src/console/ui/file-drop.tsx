import { Upload } from 'lucide-react';
import { useId, useRef, type ReactNode } from 'react';
import { useFormat } from '../i18n/index.js';
import { Button } from './button.js';
import { useFileDrop } from './use-file-drop.js';
import css from './file-drop.module.css';

interface FileDropProps {
  label: string;
  choose: string;
  hint: string;
  file: File | null;
  /** Of the `accept` attribute; default: recordings. */
  accept?: string;
  disabled?: boolean;
  onFile: (file: File) => void;
}

/** Takes one file: dropped onto it, or chosen. */
export function FileDrop(props: FileDropProps): ReactNode {
  const { label, choose, hint, file, accept = 'audio/*,video/*', disabled = false, onFile } = props;
  const format = useFormat();
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const take = (files: FileList | null): void => {
    const [first] = files ?? [];
    if (first) onFile(first);
  };
  const target = useFileDrop(take, disabled);
  return (
    <div className={css['drop']} {...target}>
      <Upload aria-hidden size={22} />
      <div className={css['text']}>
        {file === null ? (
          <strong id={id}>{label}</strong>
        ) : (
          <strong id={id}>
            <bdi>{file.name}</bdi> <span className="muted">{format.bytes(file.size)}</span>
          </strong>
        )}
        {hint !== '' && <p className={css['hint']}>{hint}</p>}
      </div>
      <input
        ref={input}
        type="file"
        accept={accept}
        className="visually-hidden"
        tabIndex={-1}
        aria-labelledby={id}
        onChange={(event) => {
          take(event.target.files);
          event.target.value = '';
        }}
      />
      <Button disabled={disabled} onClick={() => input.current?.click()}>
        {choose}
      </Button>
    </div>
  );
}

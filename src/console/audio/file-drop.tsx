import { Upload } from 'lucide-react';
import { useId, type ReactNode } from 'react';
import { useMessages } from '../i18n/index.js';
import { useFileDrop } from '../ui/use-file-drop.js';
import css from './file-drop.module.css';

interface FileDropProps {
  onFiles: (files: File[]) => void;
  multiple: boolean;
  disabled?: boolean;
}

/** Files by dropping or choosing them. What is in them the service finds out, not the name. */
export function FileDrop({ onFiles, multiple, disabled = false }: FileDropProps): ReactNode {
  const t = useMessages().recorder;
  const id = useId();
  const take = (list: FileList | null): void => {
    const files = [...(list ?? [])].slice(0, multiple ? undefined : 1);
    if (files.length > 0) onFiles(files);
  };
  const target = useFileDrop(take, disabled);
  return (
    <div className={css['drop']} {...target}>
      <Upload aria-hidden size={22} />
      <label htmlFor={id}>{multiple ? t.dropMany : t.dropOne}</label>
      <input
        id={id}
        type="file"
        accept="audio/*,video/*,.opus,.amr,.aac,.m4a,.caf"
        multiple={multiple}
        disabled={disabled}
        onChange={(event) => {
          take(event.target.files);
          // The same file may be chosen again.
          event.target.value = '';
        }}
      />
      <p className="muted">{t.formats}</p>
    </div>
  );
}

import { useState, type DragEvent } from 'react';

/** What an element needs that files are dropped onto. */
export interface DropTarget {
  'data-over': true | undefined;
  onDragOver: (event: DragEvent) => void;
  onDragLeave: () => void;
  onDrop: (event: DragEvent) => void;
}

export function useFileDrop(onFiles: (files: FileList) => void, disabled: boolean): DropTarget {
  const [over, setOver] = useState(false);
  return {
    'data-over': over || undefined,
    onDragOver: (event) => {
      // Without this the browser would leave the page for the file.
      event.preventDefault();
      setOver(!disabled);
    },
    onDragLeave: () => setOver(false),
    onDrop: (event) => {
      event.preventDefault();
      setOver(false);
      if (!disabled) onFiles(event.dataTransfer.files);
    },
  };
}

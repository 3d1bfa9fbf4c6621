/** What a key does to a conversation. */
export type Command =
  | { do: 'play' }
  | { do: 'seek'; seconds: number }
  | { do: 'turn'; by: 1 | -1 }
  | { do: 'assign'; voice: number }
  | { do: 'zoom'; by: 1 | -1 }
  | { do: 'split' }
  | { do: 'remove' }
  | { do: 'undo' }
  | { do: 'redo' };

type Pressed = Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>;

/** What has the focus; `data-space="play"` leaves the space bar to the page. */
type Focused = Pick<HTMLElement, 'tagName' | 'isContentEditable' | 'dataset'>;

/**
 * The command of a key; null for one that has none, and where it belongs to what has the focus.
 * @param target what has the focus
 */
export function commandOf(pressed: Pressed, target: Focused | null): Command | null {
  const { key, shiftKey, altKey } = pressed;
  const control = pressed.ctrlKey || pressed.metaKey;
  if (altKey || writes(target)) return null;
  if (control) {
    if (key.toLowerCase() !== 'z') return null;
    return { do: shiftKey ? 'redo' : 'undo' };
  }
  // A button or a link with the focus is pressed by the space bar.
  if (key === ' ') return target && pressedBySpace(target) ? null : { do: 'play' };
  if (/^[1-9]$/.test(key)) return { do: 'assign', voice: Number(key) - 1 };
  switch (key) {
    case 'ArrowLeft':
      return { do: 'seek', seconds: shiftKey ? -0.2 : -2 };
    case 'ArrowRight':
      return { do: 'seek', seconds: shiftKey ? 0.2 : 2 };
    case 'ArrowUp':
      return { do: 'turn', by: -1 };
    case 'ArrowDown':
      return { do: 'turn', by: 1 };
    case '+':
    case '=':
      return { do: 'zoom', by: 1 };
    case '-':
      return { do: 'zoom', by: -1 };
    case 's':
      return { do: 'split' };
    case 'Delete':
      return { do: 'remove' };
    default:
      return null;
  }
}

function pressedBySpace({ tagName, dataset }: Focused): boolean {
  return /^(BUTTON|A|SUMMARY)$/.test(tagName) && dataset['space'] !== 'play';
}

/** Whether keys are text, or move something, there. */
function writes(target: Focused | null): boolean {
  return target !== null && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

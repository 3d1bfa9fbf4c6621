import { describe, expect, test } from '@jest/globals';
import { commandOf } from './keyboard.js';

const NONE = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false };
type Focused = NonNullable<Parameters<typeof commandOf>[1]>;
const at = (tagName: string, isContentEditable = false, dataset = {}): Focused => ({
  tagName,
  isContentEditable,
  dataset,
});
const of = (key: string, more = {}, target = at('BODY')): ReturnType<typeof commandOf> =>
  commandOf({ key, ...NONE, ...more }, target);

describe('a key', () => {
  test.each([
    [' ', {}, { do: 'play' }],
    ['ArrowRight', {}, { do: 'seek', seconds: 2 }],
    ['ArrowLeft', { shiftKey: true }, { do: 'seek', seconds: -0.2 }],
    ['ArrowDown', {}, { do: 'turn', by: 1 }],
    ['ArrowUp', {}, { do: 'turn', by: -1 }],
    ['1', {}, { do: 'assign', voice: 0 }],
    ['9', {}, { do: 'assign', voice: 8 }],
    ['z', { ctrlKey: true }, { do: 'undo' }],
    ['Z', { metaKey: true, shiftKey: true }, { do: 'redo' }],
    ['+', {}, { do: 'zoom', by: 1 }],
    ['-', {}, { do: 'zoom', by: -1 }],
    ['Delete', {}, { do: 'remove' }],
  ])('%j with %j is %j', (key, more, command) => {
    expect(of(key, more)).toEqual(command);
  });

  test.each(['0', 'a', 'Enter', 'Tab', 'Escape'])('%s is none of ours', (key) => {
    expect(of(key)).toBeNull();
  });

  test('is text in a field, and stays the browser’s with control or alt', () => {
    for (const field of [at('INPUT'), at('TEXTAREA'), at('SELECT'), at('DIV', true)]) {
      for (const key of [' ', '1', 'ArrowLeft', 'Delete']) expect(of(key, {}, field)).toBeNull();
      expect(of('z', { ctrlKey: true }, field)).toBeNull();
    }
    expect(of('1', { ctrlKey: true })).toBeNull();
    expect(of('ArrowLeft', { altKey: true })).toBeNull();
  });

  test('space presses the button that has the focus; other keys work there', () => {
    expect(of(' ', {}, at('BUTTON'))).toBeNull();
    expect(of(' ', {}, at('BUTTON', false, { space: 'play' }))).toEqual({ do: 'play' });
    expect(of('ArrowRight', {}, at('BUTTON'))).toEqual({ do: 'seek', seconds: 2 });
  });
});

import { describe, expect, it } from '@jest/globals';
import { isUndoable, requireOpen, requireVersion, sumsOf, UNKNOWN_VOICE_STATES } from './unknown-voice.js';

const codeOf = (work: () => void): string | null => {
  try {
    work();
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('an unknown voice', () => {
  it('has the sums of its shares, in whatever order they are', () => {
    const share = (ownSeconds: number, at: number): Parameters<typeof sumsOf>[0][number] => ({
      ownSeconds,
      heardAt: new Date(at),
    });
    expect(sumsOf([share(2.5, 30), share(4, 10), share(3, 20)])).toEqual({
      speechSeconds: 9.5,
      shares: 3,
      firstHeardAt: new Date(10),
      lastHeardAt: new Date(30),
    });
  });

  it('takes steps while it is open alone, and of whoever has seen it as it is', () => {
    const codes = UNKNOWN_VOICE_STATES.map((state) => codeOf(() => requireOpen({ id: 'x', state })));
    expect(codes).toEqual([null, ...Array<string>(4).fill('UNKNOWN_VOICE_SETTLED')]);
    const versions = [undefined, 3, 2].map((asked) => codeOf(() => requireVersion({ id: 'x', version: 3 }, asked)));
    expect(versions).toEqual([null, null, 'CONFLICT']);
  });

  it('has every step undone once, but the first', () => {
    expect(isUndoable({ action: 'joined', undoneAt: null })).toBe(true);
    expect(isUndoable({ action: 'joined', undoneAt: new Date() })).toBe(false);
    expect(isUndoable({ action: 'kept', undoneAt: null })).toBe(false);
  });
});

import { describe, expect, test } from '@jest/globals';
import { CLOSEST, pan, reveal, ticksOf, wholeView, zoom } from './view.js';

describe('the part that is shown', () => {
  test('is zoomed around a moment, which stays where it is', () => {
    const closer = zoom({ start: 100, span: 100 }, 2, 150, 3600);
    expect(closer).toEqual({ start: 125, span: 50 });
    expect(zoom(closer, 0.5, 150, 3600)).toEqual({ start: 100, span: 100 });
  });

  test('ends with the recording', () => {
    expect(zoom({ start: 0, span: 10 }, 0.1, 5, 60)).toEqual({ start: 0, span: 60 });
    expect(zoom({ start: 0, span: 10 }, 1000, 5, 60).span).toBe(CLOSEST);
    expect(pan({ start: 50, span: 10 }, 100, 60).start).toBe(50);
    expect(pan({ start: 5, span: 10 }, -100, 60).start).toBe(0);
    expect(wholeView(0.5)).toEqual({ start: 0, span: CLOSEST });
  });

  test('moves on only where it has to', () => {
    const view = { start: 10, span: 10 };
    expect(reveal(view, 15, 60)).toBe(view);
    expect(reveal(view, 25, 60)).toEqual({ start: 24, span: 10 });
    expect(reveal(view, 59, 60)).toEqual({ start: 50, span: 10 });
  });

  test('has a few round moments', () => {
    expect(ticksOf({ start: 0, span: 10 }, 6)).toEqual([0, 2, 4, 6, 8, 10]);
    for (const span of [2, 60, 3600, 10_800]) expect(ticksOf({ start: 3.3, span }, 8).length).toBeLessThanOrEqual(9);
  });
});

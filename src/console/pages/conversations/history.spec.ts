import { expect, test } from '@jest/globals';
import { historyOf, redo, step, undo } from './history.js';

test('steps are undone and done again; a new step ends what could be done again', () => {
  let history = step(step(historyOf('a'), 'b'), 'c');
  expect(step(history, 'c')).toBe(history);
  history = undo(undo(history));
  expect(history.present).toBe('a');
  expect(undo(history)).toBe(history);
  history = redo(history);
  expect(history.present).toBe('b');
  history = step(history, 'd');
  expect(redo(history)).toBe(history);
  expect(undo(history).present).toBe('b');
});

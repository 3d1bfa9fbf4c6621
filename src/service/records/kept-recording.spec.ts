import { describe, expect, it } from '@jest/globals';
import { keepingOf } from './kept-recording.js';

describe('whether audio is kept', () => {
  it.each([
    [[], false, false, 'default'],
    [[], true, true, 'default'],
    [[null, null], true, true, 'default'],
    [['on'], false, true, 'group'],
    [['on', null], false, true, 'group'],
    [['off'], true, false, 'group'],
    [['on', 'off'], true, false, 'group'],
  ] as const)('of groups that say %j, where the service says %s: %s', (ofGroups, usual, keeps, from) => {
    expect(keepingOf(ofGroups, usual)).toEqual({ keeps, from });
  });
});

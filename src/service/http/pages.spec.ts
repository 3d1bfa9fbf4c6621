import { describe, expect, it } from '@jest/globals';
import { Places } from './pages.js';

const places = new Places<[number, string]>('speakers', ['number', 'string']);

describe('the cursor of a list', () => {
  it('comes back as it was given, in any script', () => {
    expect(places.decode(places.encode([1_764_000_000_123, 'Zoë']))).toEqual([1_764_000_000_123, 'Zoë']);
    expect(places.decode(undefined)).toBeNull();
  });

  it.each([
    '',
    'x',
    '!!',
    Buffer.from('{}').toString('base64url'),
    Buffer.from('["speakers","a",1]').toString('base64url'),
    Buffer.from('["speakers",1.5,"a"]').toString('base64url'),
    Buffer.from('["speakers",1,"a",2]').toString('base64url'),
    new Places<[number, string]>('jobs', ['number', 'string']).encode([1, 'a']),
  ])('is refused where it is %j', (text) => {
    expect(() => places.decode(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('is given as long as there are more rows than were asked for', () => {
    const keyOf = (row: number): [number, string] => [row, 'x'];
    expect(places.page([1, 2, 3], 2, keyOf)).toEqual({ rows: [1, 2], nextCursor: places.encode([2, 'x']) });
    expect(places.page([1, 2], 2, keyOf)).toEqual({ rows: [1, 2], nextCursor: null });
    expect(places.page([], 2, keyOf)).toEqual({ rows: [], nextCursor: null });
  });
});

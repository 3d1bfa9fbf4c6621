import { describe, expect, it } from '@jest/globals';
import { PIECE_BYTES, piecesOf, placeOfPiece } from './sealed-audio.js';
import { SEALED_MORE_BYTES } from './vector-cipher.js';

describe('pieces of sealed audio', () => {
  it.each([
    [0, 1],
    [1, 1],
    [PIECE_BYTES, 1],
    [PIECE_BYTES + 1, 2],
    [3 * PIECE_BYTES, 3],
  ])('of %d bytes are %d', (bytes, pieces) => {
    expect(piecesOf(bytes)).toBe(pieces);
  });

  it('lie one behind the other without gaps, and hold all bytes', () => {
    for (const bytes of [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES + 7]) {
      let [at, held] = [0, 0];
      for (let piece = 0; piece < piecesOf(bytes); piece++) {
        const place = placeOfPiece(bytes, piece);
        expect(place.at).toBe(at);
        at += place.length;
        held += place.length - SEALED_MORE_BYTES;
      }
      expect(held).toBe(bytes);
    }
  });
});

import { describe, expect, it } from '@jest/globals';
import { createDecipheriv } from 'node:crypto';
import { VectorCipher } from './vector-cipher.js';

const KEY = Buffer.alloc(32, 7);
const VECTOR = Float32Array.of(1.5, -0, 3e-40, 65504);
const invalid = expect.objectContaining({ code: 'STORAGE_INVALID' });

describe('a vector cipher', () => {
  it('gives vectors back to the bit', () => {
    const cipher = new VectorCipher(KEY);
    const blob = cipher.sealVector(VECTOR, ['ada', 'model']);
    expect(new VectorCipher(Buffer.from(KEY)).openVector(blob, ['ada', 'model'])).toEqual(VECTOR);
  });

  it('writes little-endian float32 under AES-256-GCM, as its format says', () => {
    const blob = new VectorCipher(KEY).sealVector(VECTOR, ['ada']);
    const decipher = createDecipheriv('aes-256-gcm', KEY, blob.subarray(5, 17));
    decipher.setAAD(Buffer.from('["ada"]')).setAuthTag(blob.subarray(17, 33));
    const bytes = Buffer.concat([decipher.update(blob.subarray(33)), decipher.final()]);
    expect(bytes.readFloatLE(0)).toBe(1.5);
    expect(bytes).toHaveLength(16);
  });

  it('never writes the same twice', () => {
    const cipher = new VectorCipher(KEY);
    expect(cipher.sealVector(VECTOR, ['a']).equals(cipher.sealVector(VECTOR, ['a']))).toBe(false);
  });

  it.each([[['bob', 'model']], [['ada', 'other']], [['adam', 'odel']], [['ada,model']], [[]]])(
    'does not open what belongs to another: %j',
    (belongsTo) => {
      const cipher = new VectorCipher(KEY);
      const blob = cipher.sealVector(VECTOR, ['ada', 'model']);
      expect(() => cipher.openVector(blob, belongsTo)).toThrow(invalid);
    },
  );

  it('does not open what was damaged, byte by byte, or cut', () => {
    const cipher = new VectorCipher(KEY);
    const blob = cipher.sealVector(VECTOR, ['ada']);
    for (let i = 0; i < blob.length; i++) {
      const damaged = Buffer.from(blob);
      damaged[i] = (damaged[i] ?? 0) ^ 1;
      expect(() => cipher.openVector(damaged, ['ada'])).toThrow(invalid);
      expect(() => cipher.openVector(blob.subarray(0, i), ['ada'])).toThrow(invalid);
    }
  });

  it('says that the key is another one', () => {
    const blob = new VectorCipher(Buffer.alloc(32, 8)).sealVector(VECTOR, ['ada']);
    expect(() => new VectorCipher(KEY).openVector(blob, ['ada'])).toThrow(/another data key/);
  });
});

import { describe, expect, it } from '@jest/globals';
import { checkEmbedding, frontEndId } from './embedding.js';

describe('checkEmbedding', () => {
  it('lets a vector with a direction pass', () => {
    const vector = Float32Array.of(0.1, -300);
    expect(checkEmbedding(vector, 2)).toBe(vector);
  });

  it.each([[[1]], [[1, 2, 3]], [[0, 0]], [[1e-9, 0]], [[NaN, 1]], [[Infinity, 1]]])('refuses %j', (values) => {
    expect(() => checkEmbedding(Float32Array.from(values), 2)).toThrow(
      expect.objectContaining({ code: 'INFERENCE_FAILED' }),
    );
  });
});

describe('frontEndId', () => {
  const manifest = { id: 'a', frontEnd: { type: 'kaldi', melBins: 80, window: 'povey' }, input: { sampleRate: 16000 } };

  it('depends on every parameter and on nothing else', () => {
    const id = frontEndId(manifest);
    expect(id).toMatch(/^kaldi-[0-9a-f]{12}$/);
    const reordered = { frontEnd: { window: 'povey', melBins: 80, type: 'kaldi' }, input: { sampleRate: 16000 } };
    expect(frontEndId({ ...reordered, id: 'b', licence: 'MIT' })).toBe(id);
    expect(frontEndId({ ...manifest, frontEnd: { ...manifest.frontEnd, melBins: 81 } })).not.toBe(id);
    expect(frontEndId({ ...manifest, input: { sampleRate: 8000 } })).not.toBe(id);
  });

  it('needs one', () => {
    expect(() => frontEndId({})).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
  });
});

import { types } from 'node:util';
import { TimbreError } from '../errors/timbre-error.js';
import { invalid, show } from './arguments.js';
import type { EmbedResult } from './types.js';

/** An embedding, alone or as `embed` gives it; only the latter knows its model. */
export type EmbeddingLike = Float32Array | Pick<EmbedResult, 'embedding' | 'model'>;

/**
 * Cosine similarity of two embeddings, in [-1, 1], accumulated in double precision; 0 when either is zero.
 *
 * Errors: MODEL_MISMATCH where they are known to come from different models; INVALID_ARGUMENT for vectors of different
 * lengths, empty ones, or ones that are not finite.
 */
export function cosine(a: EmbeddingLike, b: EmbeddingLike): number {
  const [left, right] = [vectorOf('the first', a), vectorOf('the second', b)];
  if (left.model !== undefined && right.model !== undefined && identityIn(left.model) !== identityIn(right.model)) {
    throw new TimbreError(
      'MODEL_MISMATCH',
      `an embedding of '${left.model}' cannot be compared with one of '${right.model}': embed both with one model`,
    );
  }
  const [x, y] = [left.embedding, right.embedding];
  if (x.length !== y.length || x.length === 0) {
    throw invalid(`two embeddings of one model have the same length, not ${x.length} and ${y.length} values`);
  }
  let dot = 0;
  let squaresX = 0;
  let squaresY = 0;
  for (let i = 0; i < x.length; i++) {
    const [p, q] = [x[i]!, y[i]!];
    dot += p * q;
    squaresX += p * p;
    squaresY += q * q;
  }
  if (!Number.isFinite(squaresX) || !Number.isFinite(squaresY)) {
    throw invalid('an embedding holds values that are no finite numbers');
  }
  if (squaresX === 0 || squaresY === 0) return 0;
  return Math.min(1, Math.max(-1, dot / Math.sqrt(squaresX * squaresY)));
}

/** What decides in `<id>@<digits of the identity>`: the id is only what people call a model. */
function identityIn(model: string): string {
  return model.slice(model.lastIndexOf('@') + 1);
}

function vectorOf(which: string, value: unknown): { embedding: Float32Array; model: string | undefined } {
  if (types.isFloat32Array(value)) return { embedding: value, model: undefined };
  const { embedding, model } = (typeof value === 'object' && value !== null ? value : {}) as Partial<EmbedResult>;
  if (types.isFloat32Array(embedding)) return { embedding, model };
  throw invalid(`${which} embedding is a Float32Array or a result of embed(), not ${show(value)}`);
}

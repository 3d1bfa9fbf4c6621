import { createHash } from 'node:crypto';
import { TimbreError } from '../../errors/timbre-error.js';

/** What made an embedding; only embeddings with the same origin may meet. */
export interface EmbeddingOrigin {
  /** `<bundle>@<first 12 digits of its identity>`; in folders of before there was one, of its weights digest. */
  model: string;
  /** Names the front end with all its parameters, `<type>-<12 digits>`. */
  frontEnd: string;
}

/** Embeddings are stored as the model gave them; one that is all but zero has no direction to compare. */
const SHORTEST = 1e-6;

/** The front end of a manifest by name and digest: the same weights behind other features give other embeddings. */
export function frontEndId(manifest: Readonly<Record<string, unknown>>): string {
  const frontEnd = manifest['frontEnd'];
  const type = (frontEnd as { type?: unknown } | undefined)?.type;
  if (typeof type !== 'string') throw new TimbreError('MODEL_INVALID', 'the manifest lacks frontEnd.type');
  const digest = createHash('sha256')
    .update(canonical({ frontEnd, input: manifest['input'] }))
    .digest('hex');
  return `${type}-${digest.slice(0, 12)}`;
}

/** Refuses what a model must not give: another length, a value that is no number, no direction. */
export function checkEmbedding(embedding: Float32Array, dim: number): Float32Array {
  if (embedding.length !== dim) {
    throw new TimbreError('INFERENCE_FAILED', `the embedding has ${embedding.length} dimensions, the model ${dim}`);
  }
  let square = 0;
  for (const x of embedding) square += x * x;
  if (!Number.isFinite(square) || Math.sqrt(square) < SHORTEST) {
    throw new TimbreError('INFERENCE_FAILED', 'the model gave an embedding that is not finite or has no length');
  }
  return embedding;
}

export function sameOrigin(a: EmbeddingOrigin, b: EmbeddingOrigin): boolean {
  return a.model === b.model && a.frontEnd === b.frontEnd;
}

/** JSON with the keys of every object in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

import { TimbreError } from '../../errors/timbre-error.js';

/** Cosine in [-1, 1], in double precision; 0 where either vector is zero. The vectors have one length. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [scaleA, scaleB] = [largest(a), largest(b)];
  if (scaleA === 0 || scaleB === 0) return 0;
  let [dot, normA, normB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    // Scaled, so that no square overflows or vanishes.
    const [x, y] = [a[i]! / scaleA, b[i]! / scaleB];
    dot += x * y;
    normA += x * x;
    normB += y * y;
  }
  return Math.max(-1, Math.min(1, dot / Math.sqrt(normA * normB)));
}

/** The plain mean of so many vectors of one length, as they come. */
export class Mean {
  private sum: number[] | undefined;

  constructor(private readonly count: number) {}

  /** Errors: INVALID_ARGUMENT for a vector of another length. */
  add(vector: readonly number[]): void {
    const sum = (this.sum ??= new Array<number>(vector.length).fill(0));
    if (vector.length !== sum.length) {
      throw new TimbreError('INVALID_ARGUMENT', 'embeddings must all have the same length');
    }
    // Divided before it is added: a sum of large numbers would overflow.
    for (let i = 0; i < vector.length; i++) sum[i]! += vector[i]! / this.count;
  }

  /** Once all are added. */
  get value(): number[] {
    return this.sum ?? [];
  }
}

function largest(vector: ArrayLike<number>): number {
  let size = 0;
  for (let i = 0; i < vector.length; i++) size = Math.max(size, Math.abs(vector[i]!));
  return size;
}

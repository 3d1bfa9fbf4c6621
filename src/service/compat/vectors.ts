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

/** The plain mean of vectors of one length. */
export function mean(vectors: readonly (readonly number[])[]): number[] {
  const sum = new Array<number>(vectors[0]!.length).fill(0);
  for (const vector of vectors) vector.forEach((value, i) => (sum[i]! += value / vectors.length));
  return sum;
}

function largest(vector: ArrayLike<number>): number {
  let size = 0;
  for (let i = 0; i < vector.length; i++) size = Math.max(size, Math.abs(vector[i]!));
  return size;
}

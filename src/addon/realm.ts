/**
 * The same numbers as an array that is `instanceof Float32Array` for whoever imports this package: under a test runner that
 * gives each file globals of its own, those of the addon are others. Nothing is copied.
 */
export function ofThisRealm(vector: Float32Array): Float32Array {
  if (vector instanceof Float32Array) return vector;
  const { buffer, byteOffset, length } = vector as Float32Array;
  return new Float32Array(buffer, byteOffset, length);
}

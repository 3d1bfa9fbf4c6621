import { createCipheriv, hkdfSync } from 'node:crypto';

export const SECRET_BYTES = 32;

/**
 * An orthogonal matrix that is drawn from a secret: vectors that are turned by it keep their cosines, and say nothing about
 * voices to who does not know it, but how near they are to each other. Drawn evenly from all such matrices: the columns of a
 * matrix of Gaussian numbers, orthonormal one after the other (Mezzadri, "How to generate random matrices from the classical
 * compact groups", 2007).
 */
export class SecretRotation {
  /** Row after row. */
  private readonly matrix: Float64Array;

  constructor(
    secret: Buffer,
    readonly dimension: number,
  ) {
    this.matrix = gaussian(secret, dimension);
    orthonormalise(this.matrix, dimension);
  }

  /** A vector of unit length, turned. */
  turn(vector: Float32Array): Float64Array {
    const { matrix, dimension } = this;
    let squares = 0;
    for (let i = 0; i < dimension; i++) squares += vector[i]! * vector[i]!;
    const scale = 1 / Math.sqrt(squares || 1);
    const turned = new Float64Array(dimension);
    for (let row = 0, at = 0; row < dimension; row++) {
      let sum = 0;
      for (let i = 0; i < dimension; i++) sum += matrix[at++]! * vector[i]!;
      turned[row] = sum * scale;
    }
    return turned;
  }
}

/** By Box and Muller, from the key stream of AES-256 in counter mode. */
function gaussian(secret: Buffer, dimension: number): Float64Array {
  const key = Buffer.from(hkdfSync('sha256', secret, '', `timbre rotation of ${dimension}`, 32));
  const numbers = new Float64Array(dimension * dimension);
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  const bytes = stream.update(Buffer.alloc(8 * Math.ceil(numbers.length / 2)));
  key.fill(0);
  for (let i = 0, at = 0; i < numbers.length; i += 2, at += 8) {
    const radius = Math.sqrt(-2 * Math.log((bytes.readUInt32LE(at) + 0.5) / 2 ** 32));
    const angle = (2 * Math.PI * bytes.readUInt32LE(at + 4)) / 2 ** 32;
    numbers[i] = radius * Math.cos(angle);
    if (i + 1 < numbers.length) numbers[i + 1] = radius * Math.sin(angle);
  }
  return numbers;
}

/** Each row against those before, twice: once loses digits. */
function orthonormalise(matrix: Float64Array, dimension: number): void {
  for (let row = 0; row < dimension; row++) {
    const own = matrix.subarray(row * dimension, (row + 1) * dimension);
    for (let round = 0; round < 2; round++) {
      for (let before = 0; before < row; before++) {
        const other = matrix.subarray(before * dimension, (before + 1) * dimension);
        const share = dot(own, other);
        for (let i = 0; i < dimension; i++) own[i]! -= share * other[i]!;
      }
      const length = Math.sqrt(dot(own, own));
      for (let i = 0; i < dimension; i++) own[i]! /= length;
    }
  }
}

function dot(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += one[i]! * other[i]!;
  return sum;
}

import { TimbreError } from '../errors/timbre-error.js';
import type { Cohort } from '../evaluation/normalise.js';

/** Vectors as a manifest or calibration file carries them: rows of IEEE half precision, little-endian, in base64. */
export interface EncodedVectors {
  speakers: number;
  dim: number;
  encoding: 'float16-base64';
  data: string;
}

export function encodeVectors(cohort: Cohort): EncodedVectors {
  const { embeddings, dim } = cohort;
  const bytes = Buffer.alloc(embeddings.length * 2);
  for (let i = 0; i < embeddings.length; i++) bytes.writeUInt16LE(toHalf(embeddings[i]!), i * 2);
  return { speakers: embeddings.length / dim, dim, encoding: 'float16-base64', data: bytes.toString('base64') };
}

/** Throws `MODEL_INVALID` where the data is not what its own numbers say; `where` names it in the message. */
export function decodeVectors(encoded: unknown, where: string): Cohort {
  const { speakers, dim, encoding, data } = (encoded ?? {}) as Partial<EncodedVectors>;
  if (
    encoding !== 'float16-base64' ||
    !Number.isInteger(speakers) ||
    !Number.isInteger(dim) ||
    typeof data !== 'string'
  ) {
    throw new TimbreError(
      'MODEL_INVALID',
      `${where} is not of the form { speakers, dim, encoding: "float16-base64", data }`,
    );
  }
  const bytes = Buffer.from(data, 'base64');
  if (bytes.length !== speakers! * dim! * 2 || bytes.length === 0) {
    throw new TimbreError('MODEL_INVALID', `${where} has ${bytes.length} bytes for ${speakers} vectors of ${dim}`);
  }
  const embeddings = new Float32Array(speakers! * dim!);
  for (let i = 0; i < embeddings.length; i++) embeddings[i] = fromHalf(bytes.readUInt16LE(i * 2));
  return { embeddings, dim: dim! };
}

/** Nearest half, ties to even; NaN stays NaN and what is too large becomes infinity. */
export function toHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(size)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  // Multiples of 2^-24 below 2^-14, of 2^(exponent - 10) above.
  const exponent = Math.max(-14, Math.floor(Math.log2(size || 1e-10)));
  const steps = roundTiesToEven(size * 2 ** (10 - exponent));
  // A mantissa that rounds up to 2048 carries into the exponent by itself.
  return sign | ((exponent + 14) * 1024 + steps);
}

export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

function roundTiesToEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}

import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { TimbreError } from '../../../errors/timbre-error.js';

export const KEY_BYTES = 32;

const FORMAT = 1;
const KEY_ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES;

/** By how much a blob is longer than what it holds, bytes. */
export const SEALED_MORE_BYTES = HEADER_BYTES;

interface RingKey {
  key: Buffer;
  id: Buffer;
}

/**
 * Vectors at rest: little-endian float32 under AES-256-GCM with a random nonce. What a vector belongs to (speaker,
 * model, record) is authenticated with it, so that a blob moved to another row does not open there.
 *
 * A blob is: format (1 byte), key id (4), nonce (12), tag (16), ciphertext.
 */
export class VectorCipher {
  private ring: readonly RingKey[] = [];

  /** Keys of 32 bytes: the first seals, any of them opens. */
  constructor(...keys: readonly Buffer[]) {
    this.use(keys);
  }

  /** From now on seals with the first of these keys, and opens what any of them sealed. */
  use(keys: readonly Buffer[]): void {
    if (keys.length === 0) throw new Error('a cipher needs a key');
    this.ring = keys.map((key) => ({ key, id: keyId(key) }));
  }

  get keys(): Buffer[] {
    return this.ring.map(({ key }) => key);
  }

  /** What the blobs of the key that seals have after their first byte. */
  get currentId(): Buffer {
    return this.ring[0]!.id;
  }

  /** Of every key, as `currentId`. */
  get keyIds(): Buffer[] {
    return this.ring.map(({ id }) => id);
  }

  /** Whether a blob is under the key that seals. */
  isCurrent(blob: Buffer): boolean {
    return blob.subarray(1, 1 + KEY_ID_BYTES).equals(this.currentId);
  }

  /** The same content under the key that seals now. Errors: as openVector. */
  reseal(blob: Buffer, belongsTo: readonly string[]): Buffer {
    const bytes = this.open(blob, belongsTo);
    const sealed = this.seal(bytes, belongsTo);
    bytes.fill(0);
    return sealed;
  }

  sealVector(vector: Float32Array, belongsTo: readonly string[]): Buffer {
    const bytes = Buffer.alloc(vector.length * 4);
    vector.forEach((x, i) => bytes.writeFloatLE(x, i * 4));
    const sealed = this.seal(bytes, belongsTo);
    bytes.fill(0);
    return sealed;
  }

  /** Errors: STORAGE_INVALID for a blob that was damaged, moved, or written with another key. */
  openVector(blob: Buffer, belongsTo: readonly string[]): Float32Array {
    const bytes = this.open(blob, belongsTo);
    const vector = new Float32Array(bytes.length / 4);
    for (let i = 0; i < vector.length; i++) vector[i] = bytes.readFloatLE(i * 4);
    bytes.fill(0);
    return vector;
  }

  seal(bytes: Buffer, belongsTo: readonly string[]): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const { key, id } = this.ring[0]!;
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(associatedData(belongsTo));
    const ciphertext = Buffer.concat([cipher.update(bytes), cipher.final()]);
    return Buffer.concat([Buffer.from([FORMAT]), id, nonce, cipher.getAuthTag(), ciphertext]);
  }

  /** Errors: as openVector. */
  open(blob: Buffer, belongsTo: readonly string[]): Buffer {
    if (blob.length < HEADER_BYTES || blob[0] !== FORMAT) {
      throw new TimbreError('STORAGE_INVALID', 'an encrypted record is damaged: it is not of a known format');
    }
    const id = blob.subarray(1, 1 + KEY_ID_BYTES);
    const known = this.ring.find((one) => one.id.equals(id));
    if (!known) {
      throw new TimbreError('STORAGE_INVALID', 'an encrypted record was written with another data key');
    }
    const nonce = blob.subarray(1 + KEY_ID_BYTES, 1 + KEY_ID_BYTES + NONCE_BYTES);
    const tag = blob.subarray(HEADER_BYTES - TAG_BYTES, HEADER_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', known.key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(associatedData(belongsTo))
      .setAuthTag(tag);
    try {
      return Buffer.concat([decipher.update(blob.subarray(HEADER_BYTES)), decipher.final()]);
    } catch (cause) {
      throw new TimbreError(
        'STORAGE_INVALID',
        'an encrypted record does not open: it was damaged or belongs to another speaker or model; restore a backup',
        { cause },
      );
    }
  }
}

/** Tells keys apart and nothing about them. */
export function keyId(key: Buffer): Buffer {
  return createHash('sha256').update('timbre data key id').update(key).digest().subarray(0, KEY_ID_BYTES);
}

/** Unambiguous whatever the parts contain. */
function associatedData(parts: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(parts), 'utf8');
}

import { isFloat32Array } from 'node:util/types';
import { invalid, wholeNumber } from './arguments.js';
import { addon, typed, type NativeGallery } from './binding.js';
import { ofThisRealm } from './realm.js';

export interface GalleryMatch {
  key: number;
  /** In [-1, 1]. */
  cosine: number;
  /** By how much the cosine may be off at most: 0 but where vectors are rounded. */
  error: number;
}

export interface GalleryOptions {
  /**
   * Keeps each number in a byte, a quarter of the memory. What is found are all that may be among the nearest, a few more than
   * asked for; exact cosines of these tell who is. Default: false.
   */
  rounded?: boolean;
}

const LARGEST = 2 ** 32 - 1;

/**
 * Unit vectors by number, searched exhaustively in the native core. Changes are done when the call returns and never
 * wait for a search; searches run on two threads that all galleries share, those that wait for one gallery in one pass
 * over its vectors, and each sees the gallery as it was when it began.
 */
export class Gallery {
  readonly #native: NativeGallery;

  /** Vectors of `dim` dimensions. Errors: ADDON_UNAVAILABLE. */
  constructor(
    readonly dim: number,
    { rounded = false }: GalleryOptions = {},
  ) {
    this.#native = new (addon().Gallery)(wholeNumber('dim', dim, 0, 1, 65_536), rounded);
  }

  get size(): number {
    return this.#native.size();
  }

  /** Adds or replaces; the vector is copied and scaled to unit length. Errors: INVALID_ARGUMENT. */
  put(key: number, vector: Float32Array): void {
    try {
      this.#native.put(keyOf(key), vectorOf(vector));
    } catch (error) {
      throw typed(error);
    }
  }

  remove(key: number): boolean {
    return this.#native.remove(keyOf(key));
  }

  /** Of unit length, and rounded where the gallery rounds. */
  get(key: number): Float32Array | null {
    const vector = this.#native.get(keyOf(key));
    return vector && ofThisRealm(vector);
  }

  /**
   * The nearest by cosine, nearest first; of `candidates` only where they are given. Where vectors are rounded: all that may be
   * among the nearest. Errors: INVALID_ARGUMENT; OVERLOADED where more than a thousand searches wait.
   */
  async top(query: Float32Array, count: number, candidates?: Uint32Array): Promise<GalleryMatch[]> {
    try {
      const found = await this.#native.top(vectorOf(query), wholeNumber('count', count, 0, 0, LARGEST), candidates);
      return Array.from(found.keys, (key, i) => ({ key, cosine: found.cosines[i]!, error: found.errors[i]! }));
    } catch (error) {
      throw typed(error);
    }
  }
}

function keyOf(key: number): number {
  return wholeNumber('key', key, 0, 0, LARGEST);
}

function vectorOf(vector: unknown): Float32Array {
  // Not instanceof: a vector may come from another realm.
  if (isFloat32Array(vector)) return vector;
  throw invalid('the vector is no Float32Array');
}

import { TimbreError } from '../../errors/timbre-error.js';
import { FairShares } from '../../support/fair-shares.js';
import type { Config } from '../config/config.js';

type Limit = Pick<Config, 'maxWaitingBytes'>;

const all = new WeakMap<Limit, WaitingBytes>();

/** Of all bytes, what is kept for sources that hold less than an equal share. */
const RESERVED_SHARE = 1 / 8;

/**
 * Bounds the bytes of all bodies that are received and worked on at once, over all listeners of one service, and shares
 * them between those who send them.
 */
export class WaitingBytes {
  private readonly shares: FairShares;

  private constructor(limit: number) {
    const reserve = Math.floor(limit * RESERVED_SHARE);
    this.shares = new FairShares(limit - reserve, reserve);
  }

  /** The one of a configuration: listeners read bodies before anything is injected into them. */
  static of(config: Limit): WaitingBytes {
    let bytes = all.get(config);
    if (!bytes) all.set(config, (bytes = new WaitingBytes(config.maxWaitingBytes)));
    return bytes;
  }

  get inUse(): number {
    return this.shares.inUse;
  }

  /** A share of a body, which grows as the body comes. `source` is asked once, when its first byte is there. */
  share(source: () => string): WaitingShare {
    let own = 0;
    let name: string | undefined;
    return {
      grow: (bytes) => {
        name ??= source();
        if (!this.shares.take(name, bytes)) {
          throw new TimbreError('OVERLOADED', `${this.inUse} bytes of other requests are worked on; try again later`);
        }
        own += bytes;
      },
      release: () => {
        if (name !== undefined) this.shares.give(name, own);
        own = 0;
      },
    };
  }
}

export interface WaitingShare {
  /** Errors: OVERLOADED. */
  grow(bytes: number): void;
  /** Gives all of it back; to be called once or more. */
  release(): void;
}

import { TimbreError } from '../../errors/timbre-error.js';
import type { Config } from '../config/config.js';

type Limit = Pick<Config, 'maxWaitingBytes'>;

const all = new WeakMap<Limit, WaitingBytes>();

/** Bounds the bytes of all bodies that are received and worked on at once, over all listeners of one service. */
export class WaitingBytes {
  private taken = 0;

  private constructor(private readonly limit: number) {}

  /** The one of a configuration: listeners read bodies before anything is injected into them. */
  static of(config: Limit): WaitingBytes {
    let bytes = all.get(config);
    if (!bytes) all.set(config, (bytes = new WaitingBytes(config.maxWaitingBytes)));
    return bytes;
  }

  get inUse(): number {
    return this.taken;
  }

  /** A share of a body, which grows as the body comes. */
  share(): WaitingShare {
    let own = 0;
    return {
      grow: (bytes) => {
        if (this.taken + bytes > this.limit) {
          throw new TimbreError('OVERLOADED', `${this.taken} bytes of other requests are worked on; try again later`);
        }
        this.taken += bytes;
        own += bytes;
      },
      release: () => {
        this.taken -= own;
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

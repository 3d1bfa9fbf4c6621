import { Injectable } from '@nestjs/common';
import { TimbreError } from '../../errors/timbre-error.js';
import { FairShares } from '../../support/fair-shares.js';
import { Config } from '../config/config.js';

/** Bounds how many requests with recordings are handled at once, and shares the places between those who send them. */
@Injectable()
export class UploadSlots {
  private readonly shares: FairShares;

  constructor({ maxConcurrentRequests }: Config) {
    this.shares = new FairShares(maxConcurrentRequests, Math.ceil(maxConcurrentRequests / 8));
  }

  get inUse(): number {
    return this.shares.inUse;
  }

  /** Gives a function that frees the slot, to be called once or more. Errors: OVERLOADED. */
  take(source: string): () => void {
    if (!this.shares.take(source)) {
      throw new TimbreError('OVERLOADED', `${this.inUse} requests with recordings are under way; try again later`);
    }
    let held = true;
    return () => {
      if (held) this.shares.give(source);
      held = false;
    };
  }
}

import { Injectable } from '@nestjs/common';
import { TimbreError } from '../../errors/timbre-error.js';
import { Config } from '../config/config.js';

/** Bounds how many requests with recordings are handled at once. */
@Injectable()
export class UploadSlots {
  private taken = 0;

  constructor(private readonly config: Config) {}

  get inUse(): number {
    return this.taken;
  }

  /** Gives a function that frees the slot, to be called once or more. Errors: OVERLOADED. */
  take(): () => void {
    if (this.taken >= this.config.maxConcurrentRequests) {
      throw new TimbreError('OVERLOADED', `${this.taken} requests with recordings are under way; try again later`);
    }
    this.taken++;
    let held = true;
    return () => {
      if (held) this.taken--;
      held = false;
    };
  }
}

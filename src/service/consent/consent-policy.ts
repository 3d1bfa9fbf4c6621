import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';

/** Whether consent has to be there before the first enrolment. */
@Injectable()
export class ConsentPolicy {
  constructor(private readonly config: Config) {}

  get required(): boolean {
    return this.config.consent === 'required';
  }
}

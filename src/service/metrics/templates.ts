import { Injectable } from '@nestjs/common';
import { Metrics } from './metrics.service.js';

/** Calls that turn the recording of anybody, enrolled or not, into what the voice is recognised by. */
export type TemplateCall = 'embed' | 'compare' | 'sidecar';

/** Counts them: nothing is stored, and yet it is for an operator to see. */
@Injectable()
export class Templates {
  private readonly count: (call: string) => void;

  constructor(metrics: Metrics) {
    const means = 'Vectors of recordings that were made for a caller, by the call; nothing of them is stored.';
    this.count = metrics.counter('timbre_templates_total', means, 'call');
  }

  made(call: TemplateCall, recordings = 1): void {
    for (let i = 0; i < recordings; i++) this.count(call);
  }
}

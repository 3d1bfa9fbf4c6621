import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { RATE_BOUNDS } from '../../scoring/impostor-tail.js';
import type { Config } from '../config/config.js';
import { requireMay } from './may.js';

/** What a form says of the false accepts that its request may have; for every call that decides. */
export const askedRate = {
  falseAcceptRate: z.coerce
    .number()
    .min(RATE_BOUNDS.least)
    .max(RATE_BOUNDS.most)
    .optional()
    .meta({
      description:
        'False accepts that this request may have: the share of strangers who are taken for somebody. Default: that of the ' +
        'service. A higher one needs a key of the scope `admin`.',
    }),
};

/** Any key may ask for fewer false accepts than the service allows. Errors: FORBIDDEN_SCOPE. */
export function requireMayAsk(request: IncomingMessage, rate: number | undefined, config: Config): void {
  if (rate === undefined || rate <= config.falseAcceptRate) return;
  requireMay(request, 'admin', `a false acceptance rate above ${config.falseAcceptRate}`);
}

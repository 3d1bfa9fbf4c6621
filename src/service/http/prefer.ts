import { ApiHeader } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';

/** In the answer to a request whose preference was followed. */
export const PREFERENCE_APPLIED = 'preference-applied';
export const RESPOND_ASYNC = 'respond-async';

/** Whether a request asks to be answered before the work is done (RFC 7240, 4.1). */
export function prefersAsync({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const given = headers.prefer;
  const all = Array.isArray(given) ? given.join(',') : (given ?? '');
  return all.split(',').some((preference) => preference.split(';')[0]!.trim().toLowerCase() === RESPOND_ASYNC);
}

/** Documents the header. */
export function TakesPrefer(): MethodDecorator {
  return ApiHeader({
    name: 'Prefer',
    required: false,
    description: `\`${RESPOND_ASYNC}\`: answer with 202 as soon as the recording is kept, however short it is.`,
    schema: { type: 'string', example: RESPOND_ASYNC },
  });
}

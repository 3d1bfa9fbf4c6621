import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import { TimbreError } from '../../errors/timbre-error.js';
import { rawRequest } from '../http/request-context.js';

export const IDEMPOTENCY_HEADER = 'idempotency-key';

/** In the answer to a repeated request. */
export const REPLAYED_HEADER = 'idempotency-replayed';

const LONGEST_KEY = 255;
const KEY = /^[\x21-\x7e]+$/;

/** Errors: INVALID_ARGUMENT. */
export function givenKey({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const key = headers[IDEMPOTENCY_HEADER];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && key.length <= LONGEST_KEY && KEY.test(key)) return key;
  throw new TimbreError(
    'INVALID_ARGUMENT',
    `Idempotency-Key is 1 to ${LONGEST_KEY} visible ASCII characters without spaces; a UUID is a good one`,
  );
}

/** `@IdempotencyKey() key: string | undefined`. */
export const IdempotencyKey = createParamDecorator((_data: unknown, context: ExecutionContext): string | undefined => {
  return givenKey(rawRequest(context.switchToHttp().getRequest<IncomingMessage>()));
});

/** Documents the header. */
export function TakesIdempotencyKey(): MethodDecorator {
  return ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description:
      'Makes the call safe to repeat: for 24 hours the same request with the same key has no further effect and gets the ' +
      `first answer, with the header \`${REPLAYED_HEADER}: true\`; another request with it is refused. Keys are the ` +
      "client's own, by its API key. An answer that is an error is not kept.",
    schema: { type: 'string', minLength: 1, maxLength: LONGEST_KEY, pattern: KEY.source },
    example: '7b0c2f1e-52f8-4a37-9d3b-8f0a6c1d2e34',
  });
}

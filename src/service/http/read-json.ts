import type { IncomingMessage } from 'node:http';
import { TimbreError } from '../../errors/timbre-error.js';
import { Steps } from '../../support/steps.js';
import type { Config } from '../config/config.js';
import { discardRest } from './discard-rest.js';
import { JsonReader, jsonTooLarge, type JsonLimits } from './json-reader.js';
import { readBody } from './read-body.js';
import { contextOf } from './request-context.js';
import type { WaitingShare } from './waiting-bytes.js';

/** Bytes of memory that a byte of JSON takes: as it came, as text, as values, and as what is made of them. */
const MEMORY_OF_JSON = 4;

type Times = Pick<Config, 'requestSeconds' | 'minUploadBytesPerSecond'>;

/**
 * A request's JSON, counted in `share`; undefined where the body is empty.
 * Errors: INVALID_ARGUMENT, BODY_TOO_LARGE, CONTENT_TYPE_UNSUPPORTED, OVERLOADED, DEADLINE_EXCEEDED, ABORTED.
 */
export async function readJson(
  request: IncomingMessage,
  share: WaitingShare,
  limits: JsonLimits,
  { requestSeconds, minUploadBytesPerSecond }: Times,
): Promise<unknown> {
  try {
    checkCharset(request);
    const { started, signal } = contextOf(request);
    const deadline = started + requestSeconds * 1000;
    const reader = new JsonReader(limits, new Steps({ signal, deadline }));
    const bounds = {
      maxBytes: limits.bytes,
      tooLarge: () => jsonTooLarge('the body', limits.bytes),
      deadline,
      seconds: requestSeconds,
      minBytesPerSecond: minUploadBytesPerSecond,
      share,
      sharePerByte: MEMORY_OF_JSON,
    };
    await readBody(request, bounds, (piece) => reader.take(piece));
    return reader.end();
  } catch (error) {
    discardRest(request);
    throw error;
  }
}

/** Errors: CONTENT_TYPE_UNSUPPORTED for JSON that says it is in another encoding than UTF-8. */
function checkCharset({ headers }: IncomingMessage): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(headers['content-type'] ?? '')?.[1];
  if (charset === undefined || /^(utf-?8|us-ascii)$/i.test(charset)) return;
  throw new TimbreError(
    'CONTENT_TYPE_UNSUPPORTED',
    `JSON is in UTF-8, not in ${JSON.stringify(charset.slice(0, 40))}; encode it so`,
  );
}

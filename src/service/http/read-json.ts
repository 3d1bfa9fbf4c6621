import type { IncomingMessage } from 'node:http';
import type { Config } from '../config/config.js';
import { discardRest } from './discard-rest.js';
import { parseJson } from './parse-json.js';
import { contextOf } from './request-context.js';
import { TimbreError } from '../../errors/timbre-error.js';
import type { WaitingShare } from './waiting-bytes.js';

/** Bytes of memory that a byte of JSON takes: as it came, as text, as values, and as what is made of them. */
const MEMORY_OF_JSON = 4;

type JsonLimits = Pick<Config, 'maxJsonBytes' | 'requestSeconds'>;

/**
 * A request's JSON, counted in `share`.
 * Errors: INVALID_ARGUMENT, BODY_TOO_LARGE, OVERLOADED, DEADLINE_EXCEEDED, ABORTED.
 */
export async function readJson(request: IncomingMessage, share: WaitingShare, limits: JsonLimits): Promise<unknown> {
  try {
    const { started } = contextOf(request);
    const left = started + limits.requestSeconds * 1000 - performance.now();
    return parseJson(await readAll(request, limits, left, (bytes) => share.grow(MEMORY_OF_JSON * bytes)));
  } catch (error) {
    discardRest(request);
    throw error;
  }
}

function readAll(
  request: IncomingMessage,
  { maxJsonBytes, requestSeconds }: JsonLimits,
  milliseconds: number,
  grow: (bytes: number) => void,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > maxJsonBytes) {
      reject(tooLarge(maxJsonBytes));
      return;
    }
    const chunks: Buffer[] = [];
    let received = 0;
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      request.off('data', take).off('end', complete).off('error', gone).off('close', gone);
      settle();
    };
    const take = (chunk: Buffer): void => {
      received += chunk.length;
      try {
        if (received > maxJsonBytes) throw tooLarge(maxJsonBytes);
        grow(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        end(() => reject(error instanceof Error ? error : new Error(String(error))));
      }
    };
    const complete = (): void => end(() => resolve(Buffer.concat(chunks, received)));
    const gone = (): void => end(() => reject(new TimbreError('ABORTED', 'the client went away during its request')));
    const timer = setTimeout(() => {
      const text = `the request was not complete after ${requestSeconds} s`;
      end(() => reject(new TimbreError('DEADLINE_EXCEEDED', text)));
    }, milliseconds);
    request.on('data', take).once('end', complete).once('error', gone).once('close', gone);
  });
}

function tooLarge(limit: number): TimbreError {
  return new TimbreError('BODY_TOO_LARGE', `the body has more than ${limit} bytes`);
}

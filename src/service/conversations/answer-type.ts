import Negotiator from 'negotiator';
import type { IncomingMessage } from 'node:http';
import { TimbreError } from '../../errors/timbre-error.js';

/** What a conversation is answered as: there is no registered type of an RTTM. */
export const RTTM = 'application/x-rttm';
export const WEBVTT = 'text/vtt';
export const JSON_TYPE = 'application/json';

/** In the order in which they are preferred where the request likes them alike. */
const TYPES = [JSON_TYPE, RTTM, WEBVTT] as const;
export type AnswerType = (typeof TYPES)[number];

/** By the header `Accept`; JSON without one. Errors: ANSWER_TYPE_UNSUPPORTED. */
export function answerType(request: Pick<IncomingMessage, 'headers'>): AnswerType {
  const [best] = new Negotiator(request).mediaTypes([...TYPES]);
  if (best !== undefined) return best as AnswerType;
  throw new TimbreError('ANSWER_TYPE_UNSUPPORTED', `Accept allows none of ${TYPES.join(', ')}; leave it out for JSON`);
}

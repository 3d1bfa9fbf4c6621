import { isIP } from 'node:net';
import { Agent, request } from 'undici';
import { TimbreError } from '../../errors/timbre-error.js';
import type { Webhook } from '../records/webhook.js';
import { addressesOf, requirePublic } from './public-address.js';

/** Longest that a receiver may take to answer. */
const ANSWER_MS = 10_000;
/** Of an answer's body, which nobody reads. */
const MOST_BODY_BYTES = 16 * 1024;
const LONGEST_URL = 2000;

/** Which receivers are called. */
export type Reach = 'public' | 'any' | 'off';

/**
 * The address of a receiver, as far as its text tells. Errors: INVALID_ARGUMENT.
 * @param reach `public`: https alone; `any`: http, too
 */
export function receiverUrl(text: string, reach: Reach): URL {
  const wrong = (why: string): TimbreError => new TimbreError('INVALID_ARGUMENT', `url: ${why}`);
  if (text.length > LONGEST_URL) throw wrong(`has more than ${LONGEST_URL} characters`);
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) throw wrong('must be an address of https');
  if (url.protocol === 'http:' && reach !== 'any') throw wrong('must be of https (TIMBRE_WEBHOOKS=any allows http)');
  if (url.username || url.password) throw wrong('must not hold a name and a password; check the signature instead');
  if (url.hash) throw wrong('must not have a part behind #, which is not sent');
  return url;
}

/** Errors: INVALID_ARGUMENT where the receiver's host is not known, or is none that may be called. */
export async function receiverAddresses({ hostname }: URL, reach: Reach): Promise<readonly string[]> {
  const addresses = await addressesOf(hostname);
  if (reach === 'public') requirePublic(hostname, addresses);
  return addresses;
}

/**
 * Sends one body, and gives the status of the answer. What it is sent to is what was checked: the host's name is resolved
 * once, and no redirect is followed. Errors: INVALID_ARGUMENT as above; those of the connection, with their messages.
 */
export async function post(
  { url: text }: Pick<Webhook, 'url'>,
  headers: Readonly<Record<string, string>>,
  body: string,
  reach: Reach,
  stopping: AbortSignal,
): Promise<number> {
  const url = receiverUrl(text, reach);
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(ANSWER_MS)]);
  const addresses = (await receiverAddresses(url, reach)).map((address) => ({ address, family: isIP(address) }));
  const agent = new Agent({
    connect: {
      lookup: (_host, { all }, answer) => {
        const [first] = addresses;
        if (all) answer(null, addresses);
        else answer(null, first?.address ?? '', first?.family);
      },
    },
  });
  try {
    const answered = await request(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'user-agent': 'timbre' },
      body,
      signal,
      dispatcher: agent,
    });
    await answered.body.dump({ limit: MOST_BODY_BYTES });
    return answered.statusCode;
  } finally {
    await agent.destroy();
  }
}

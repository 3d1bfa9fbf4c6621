import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { TimbreError } from '../../errors/timbre-error.js';
import { isLoopback } from './loopback.js';

/** What proxies add to a request, and programs of this machine have no use for. */
const FORWARDING = /^(x-forwarded(-.*)?|forwarded|via|x-real-ip|x-client-ip|true-client-ip|cf-connecting-ip)$/;

const OTHERWISE = 'send an API key to call from elsewhere (docs/proxies.md)';

/**
 * Lets in programs of this machine without a key, and nobody else: whatever came through a proxy or a tunnel looks like
 * this machine by its address, and so does a page in a browser. Errors: FORBIDDEN_ORIGIN.
 */
export function checkLocalCaller({ headers, httpVersion, socket }: IncomingMessage): void {
  // None: a socket in the file system. Another machine's, though the port is bound to loopback: a rule of the firewall.
  const address = socket.remoteAddress;
  if (address !== undefined && !isLoopback(address)) throw refused('comes from another machine');
  const header = Object.keys(headers).find((name) => FORWARDING.test(name));
  if (header !== undefined) throw refused(`came through a proxy (it has the header ${header.slice(0, 40)})`);
  // What a proxy with nothing set sends; programs have spoken 1.1 for decades.
  if (httpVersion === '1.0') throw refused('is of HTTP/1.0, as proxies send it');
  checkSite(headers, 'none');
  const { host = '' } = headers;
  const here = parse(`http://${host}`);
  if (!here || !isLoopbackName(here.hostname)) {
    throw refused(`is for the host ${JSON.stringify(host.slice(0, 80))}, not for localhost or 127.0.0.1`);
  }
  const { origin } = headers;
  if (origin !== undefined && parse(origin)?.host !== here.host) throw ofPage(origin);
}

/**
 * Keeps pages of other origins than those named off calls that need no key, wherever they come from.
 * Errors: FORBIDDEN_ORIGIN.
 */
export function checkPage(headers: IncomingHttpHeaders, corsOrigins: readonly string[]): void {
  const { origin, host = '' } = headers;
  if (origin === undefined) checkSite(headers, 'none');
  else if (!corsOrigins.includes(origin) && parse(origin)?.host !== parse(`http://${host}`)?.host) throw ofPage(origin);
}

/** What browsers say about whose page makes the request. */
function checkSite(headers: IncomingHttpHeaders, otherwise: string): void {
  const site = headers['sec-fetch-site'] ?? otherwise;
  if (site !== 'same-origin' && site !== 'none') throw refused('comes from a page of another origin');
}

function isLoopbackName(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '');
  return isIP(address) === 0 ? /^(.+\.)?localhost$/.test(hostname) : isLoopback(address);
}

function ofPage(origin: string): TimbreError {
  return refused(`comes from a page of ${JSON.stringify(origin.slice(0, 80))}`);
}

function refused(why: string): TimbreError {
  return new TimbreError('FORBIDDEN_ORIGIN', `the request has no API key and ${why}; ${OTHERWISE}`);
}

function parse(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}

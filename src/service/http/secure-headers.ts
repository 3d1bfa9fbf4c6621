import helmet from 'helmet';
import type { IncomingMessage, ServerResponse } from 'node:http';

const COMMON = {
  xFrameOptions: { action: 'deny' },
  // The service speaks plain HTTP; whoever puts TLS before it decides for how long.
  strictTransportSecurity: false,
  // Deprecated, and Swagger UI fetches from its own origin anyway.
  crossOriginEmbedderPolicy: false,
} as const;

/** Only what is named may be loaded, and nobody may frame the answer. */
function headersFor(loads: Record<string, string[]>): ReturnType<typeof helmet> {
  const directives = { 'default-src': ["'none'"], ...loads, 'frame-ancestors': ["'none'"] };
  return helmet({ ...COMMON, contentSecurityPolicy: { useDefaults: false, directives } });
}

/** Answers are data: nothing in them may run, load or be framed. */
const ofData = headersFor({});

/** The page at the root: its own files, its microphone, and recordings that are played from memory; nothing inline. */
const ofPage = headersFor({
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'"],
  'media-src': ["'self'", 'blob:'],
  'connect-src': ["'self'"],
  'worker-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
});

/** The documentation: its own files, and the styles and pictures that Swagger UI makes. */
const ofDocs = headersFor({
  'script-src': ["'self'"],
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'self'"],
});

/** Headers that keep browsers from doing more with an answer than it is for. */
export function setSecureHeaders(request: IncomingMessage, response: ServerResponse, basePath: string): void {
  if (response.headersSent) return;
  const [path = ''] = (request.url ?? '').split('?', 1);
  const own = path.startsWith(basePath) ? path.slice(basePath.length) : undefined;
  // Voices are nobody's business but the caller's; the files of the page set their own.
  response.setHeader('cache-control', 'no-store');
  policyOf(own)(request, response, (error?: unknown) => {
    if (error !== undefined) throw error as Error;
  });
}

/** @param path below the prefix; undefined for one that is not */
function policyOf(path: string | undefined): typeof ofData {
  if (path === undefined) return ofData;
  if (/^\/?docs(\/.*)?$/.test(path)) return ofDocs;
  return /^\/?(assets\/.*)?$/.test(path) ? ofPage : ofData;
}

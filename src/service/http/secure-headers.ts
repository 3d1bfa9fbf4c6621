import helmet from 'helmet';
import type { IncomingMessage, ServerResponse } from 'node:http';

const COMMON = {
  xFrameOptions: { action: 'deny' },
  // The service speaks plain HTTP; whoever puts TLS before it decides for how long.
  strictTransportSecurity: false,
  // Deprecated, and Swagger UI fetches from its own origin anyway.
  crossOriginEmbedderPolicy: false,
} as const;

/** Answers are data: nothing in them may run, load or be framed. */
const ofData = helmet({
  ...COMMON,
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
  },
});

/** The page at the root and the documentation: their own files, and the styles and pictures that Swagger UI makes. */
const ofPage = helmet({
  ...COMMON,
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      'style-src': ["'self'", "'unsafe-inline'"],
      'img-src': ["'self'", 'data:'],
      'connect-src': ["'self'"],
      'base-uri': ["'none'"],
      'form-action': ["'self'"],
      'frame-ancestors': ["'none'"],
    },
  },
});

/** Headers that keep browsers from doing more with an answer than it is for. */
export function setSecureHeaders(request: IncomingMessage, response: ServerResponse, basePath: string): void {
  if (response.headersSent) return;
  const [path = ''] = (request.url ?? '').split('?', 1);
  const isPage = path.startsWith(basePath) && /^\/?(docs(\/.*)?|home\.js)?$/.test(path.slice(basePath.length));
  // Voices are nobody's business but the caller's; the files of the page set their own.
  response.setHeader('cache-control', 'no-store');
  (isPage ? ofPage : ofData)(request, response, (error?: unknown) => {
    if (error !== undefined) throw error as Error;
  });
}

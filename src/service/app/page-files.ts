import { Injectable, StreamableFile } from '@nestjs/common';
import Negotiator from 'negotiator';
import { createReadStream, existsSync, readdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { TimbreError } from '../../errors/timbre-error.js';
import { PACKAGE_FOLDER } from '../../support/package.js';
import { rawRequest, rawResponse } from '../http/request-context.js';

/** Put there by the build. */
const FOLDER = join(PACKAGE_FOLDER, 'dist', 'console');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
  '.wav': 'audio/wav',
};

/** By name of the encoding, best first: what the build wrote beside each file. */
const ENCODINGS = { br: '.br', gzip: '.gz' } as const;

/** The files of the page, found once: a name is looked up, and never becomes a path. */
@Injectable()
export class PageFiles {
  private readonly names: ReadonlySet<string>;

  constructor() {
    const all = existsSync(FOLDER) ? readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }) : [];
    this.names = new Set(all.filter((name) => extname(name) in TYPES || /[.](br|gz)$/.test(name)));
  }

  /** In the best encoding that the client takes. Errors: ROUTE_NOT_FOUND. */
  read(name: string, request: IncomingMessage, response: ServerResponse): StreamableFile {
    const type = TYPES[extname(name)];
    if (type === undefined || !this.names.has(name)) {
      const missing =
        name === 'index.html'
          ? 'the page is not built: run npm run build'
          : `the page has no file ${JSON.stringify(name)}`;
      throw new TimbreError('ROUTE_NOT_FOUND', missing);
    }
    const { headers } = rawRequest(request);
    const written = Object.entries(ENCODINGS).filter(([, ending]) => this.names.has(name + ending));
    const encoding = new Negotiator({ headers }).encodings([...written.map(([of]) => of), 'identity'])[0];
    const ending = written.find(([of]) => of === encoding)?.[1] ?? '';
    const raw = rawResponse(response);
    raw.setHeader('vary', 'accept-encoding');
    if (ending !== '') raw.setHeader('content-encoding', encoding!);
    // Names of assets have a digest of what is in them.
    if (name.startsWith('assets/')) raw.setHeader('cache-control', 'public, max-age=31536000, immutable');
    else raw.setHeader('cache-control', 'no-cache');
    return new StreamableFile(createReadStream(join(FOLDER, name + ending)), { type });
  }
}

import { Controller, Get, Header, Param, StreamableFile, UseFilters, UseInterceptors } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../../support/package.js';
import { Public } from '../access/scope.js';
import { ErrorFilter } from '../http/error.filter.js';
import { RequestInterceptor } from '../http/request.interceptor.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { OpenApiFile } from './openapi-file.js';

/** Files of swagger-ui-dist, put there by the build. */
const ASSETS = join(PACKAGE_FOLDER, 'dist', 'swagger-ui');

/** What the page needs, and nothing else of that folder. */
const ASSET_TYPES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
  'favicon-32x32.png': 'image/png',
};

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Timbre API</title>
    <link rel="stylesheet" href="docs/swagger-ui.css">
    <link rel="icon" type="image/png" href="docs/favicon-32x32.png">
  </head>
  <body>
    <div id="ui"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`;

/** Who has signed in tries calls out with the key of the session. */
const START = `const session = JSON.parse(sessionStorage.getItem('timbre-session') ?? 'null');
const ui = SwaggerUIBundle({
  url: 'docs/openapi.json',
  dom_id: '#ui',
  deepLinking: true,
  tryItOutEnabled: true,
  onComplete: () => session && ui.preauthorizeApiKey('bearer', session.key),
});
`;

/** The API's documentation to read and to try out, from the package's own files. */
@Controller('docs')
@Public()
@UseFilters(ErrorFilter)
@UseInterceptors(RequestInterceptor)
@ApiExcludeController()
export class DocsController {
  constructor(private readonly openApi: OpenApiFile) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  page(): string {
    return PAGE;
  }

  @Get('openapi.json')
  @Header('content-type', 'application/json; charset=utf-8')
  document(): Promise<string> {
    return this.openApi.text();
  }

  @Get('start.js')
  @Header('content-type', 'text/javascript; charset=utf-8')
  start(): string {
    return START;
  }

  @Get(':asset')
  @Header('cache-control', 'public, max-age=3600')
  asset(@Param('asset') name: string): StreamableFile {
    const type = Object.hasOwn(ASSET_TYPES, name) ? ASSET_TYPES[name]! : undefined;
    if (type === undefined)
      throw new TimbreError('ROUTE_NOT_FOUND', `the documentation has no file ${JSON.stringify(name)}`);
    return new StreamableFile(createReadStream(join(ASSETS, name)), { type });
  }
}

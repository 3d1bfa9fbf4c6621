import { Controller, Get, Param, Req, Res, StreamableFile, UseFilters, UseInterceptors } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ApiExcludeController } from '@nestjs/swagger';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Public } from '../access/scope.js';
import { ErrorFilter } from '../http/error.filter.js';
import { rawResponse } from '../http/request-context.js';
import { RequestInterceptor } from '../http/request.interceptor.js';
import { PageFiles } from './page-files.js';

/** What lives at the root: the page (src/console), built. */
@Controller()
@Public()
@UseFilters(ErrorFilter)
@UseInterceptors(RequestInterceptor)
@ApiExcludeController()
export class HomeController {
  constructor(
    private readonly files: PageFiles,
    private readonly host: HttpAdapterHost,
  ) {}

  /** Its files are named relative to it: below a prefix, the address has to end with a slash. */
  @Get()
  page(
    @Req() request: IncomingMessage,
    @Res({ passthrough: true }) response: ServerResponse,
  ): StreamableFile | undefined {
    // As it was asked for: the router has the same with and without the slash.
    const { originalUrl = '/' } = request as { originalUrl?: string };
    const [path = ''] = originalUrl.split('?', 1);
    if (!path.endsWith('/')) {
      this.host.httpAdapter.redirect(response, 308, `./${path.slice(path.lastIndexOf('/') + 1)}/`);
      return undefined;
    }
    rawResponse(response).setHeader('permissions-policy', 'microphone=(self), camera=(), geolocation=()');
    return this.files.read('index.html', request, response);
  }

  @Get('assets/:name')
  asset(
    @Param('name') name: string,
    @Req() request: IncomingMessage,
    @Res({ passthrough: true }) response: ServerResponse,
  ): StreamableFile {
    return this.files.read(`assets/${name}`, request, response);
  }
}

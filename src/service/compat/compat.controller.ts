import { Body, Controller, Get, HttpCode, Post, Res, UseFilters, UseGuards, UseInterceptors } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { z } from 'zod';
import { Public, RequireScope } from '../access/scope.js';
import type { EmbedOptions } from '../../addon/types.js';
import { Bounds } from '../http/request-context.js';
import { RequestInterceptor } from '../http/request.interceptor.js';
import type { Recording } from '../uploads/recording.js';
import { AcceptsRecordings, FormFields, Recordings } from '../uploads/uploads.decorator.js';
import { CompatErrorFilter } from './compat-error.filter.js';
import { CompatGuard } from './compat.guard.js';
import { CompatService } from './compat.service.js';

const AUDIO = { audio: { min: 1, max: 1 } };
const ANY_FIELDS = z.looseObject({});

@Controller()
@RequireScope('read')
@UseGuards(CompatGuard)
@UseFilters(CompatErrorFilter)
@UseInterceptors(RequestInterceptor)
export class CompatController {
  constructor(
    private readonly compat: CompatService,
    private readonly host: HttpAdapterHost,
  ) {}

  @Get('health')
  @Public()
  health(@Res({ passthrough: true }) response: unknown): object {
    const { ready, body } = this.compat.health();
    this.host.httpAdapter.status(response, ready ? 200 : 503);
    return body;
  }

  @Post('extract-embedding')
  @HttpCode(200)
  extract(@Body() body: unknown, @Bounds() bounds: EmbedOptions): Promise<object> {
    return this.compat.extract(body, bounds);
  }

  @Post('batch-extract-embeddings')
  @HttpCode(200)
  extractBatch(@Body() body: unknown, @Bounds() bounds: EmbedOptions): Promise<object> {
    return this.compat.extractBatch(body, bounds);
  }

  @Post('compute-similarity')
  @HttpCode(200)
  similarity(@Body() body: unknown): object {
    return this.compat.similarity(body);
  }

  @Post('compute-centroid')
  @HttpCode(200)
  centroid(@Body() body: unknown): object {
    return this.compat.centroid(body);
  }

  @Post('extract-embedding-buffer')
  @HttpCode(200)
  @AcceptsRecordings(AUDIO, ANY_FIELDS, { orJson: true })
  extractBuffer(
    @Body() body: unknown,
    @Recordings() [recording]: Recording[],
    @FormFields() fields: unknown,
    @Bounds() bounds: EmbedOptions,
  ): Promise<object> {
    return this.compat.extractBuffer(recording ? fields : body, recording, bounds);
  }

  @Post('extract-embedding-and-compare')
  @HttpCode(200)
  @AcceptsRecordings(AUDIO, ANY_FIELDS, { orJson: true })
  extractAndCompare(
    @Body() body: unknown,
    @Recordings() [recording]: Recording[],
    @FormFields() fields: unknown,
    @Bounds() bounds: EmbedOptions,
  ): Promise<object> {
    return this.compat.extractAndCompare(recording ? fields : body, recording, bounds);
  }
}

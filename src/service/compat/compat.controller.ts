import {
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  Post,
  Req,
  Res,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { Public, RequireScope } from '../access/scope.js';
import type { EmbedOptions } from '../../addon/types.js';
import type { Config } from '../config/config.js';
import { TakesLargeJson } from '../http/json-limits.js';
import type { JsonLimits } from '../http/json-reader.js';
import { Bounds } from '../http/request-context.js';
import { RequestInterceptor } from '../http/request.interceptor.js';
import type { Recording } from '../uploads/recording.js';
import { AcceptsRecordings, FormFields, Recordings } from '../uploads/uploads.decorator.js';
import { HoldsUploadSlot } from '../uploads/holds-upload-slot.interceptor.js';
import { CompatErrorFilter } from './compat-error.filter.js';
import { CompatGuard } from './compat.guard.js';
import { CompatService } from './compat.service.js';
import { MOST_DIMENSIONS, MOST_NUMBERS } from './requests.js';

const AUDIO = { audio: { min: 1, max: 1 } };
const ANY_FIELDS = z.looseObject({});

/** What stands beside the list, the vectors or the recording of a request, and what the sidecar ignored. */
const FEW_VALUES = 1000;

function recordingInJson({ maxJsonBytes }: Config): JsonLimits {
  return { bytes: maxJsonBytes, values: MOST_DIMENSIONS + FEW_VALUES };
}

@Controller()
@RequireScope('read')
@UseGuards(CompatGuard)
@UseFilters(CompatErrorFilter)
@UseInterceptors(RequestInterceptor)
export class CompatController {
  constructor(
    private readonly compat: CompatService,
    private readonly host: HttpAdapterHost,
    private readonly guard: CompatGuard,
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
  @UseInterceptors(HoldsUploadSlot)
  extract(@Body() body: unknown, @Req() request: IncomingMessage, @Bounds() bounds: EmbedOptions): Promise<object> {
    return this.compat.extract(body, this.guard.isLocal(request), bounds);
  }

  @Post('batch-extract-embeddings')
  @HttpCode(200)
  @UseInterceptors(HoldsUploadSlot)
  @TakesLargeJson(({ maxJsonBytes, maxBatchPaths }) => ({ bytes: maxJsonBytes, values: maxBatchPaths + FEW_VALUES }))
  @Header('content-type', 'application/json; charset=utf-8')
  extractBatch(
    @Body() body: unknown,
    @Req() request: IncomingMessage,
    @Bounds() bounds: EmbedOptions,
  ): Promise<string> {
    return this.compat.extractBatch(body, this.guard.isLocal(request), bounds);
  }

  @Post('compute-similarity')
  @HttpCode(200)
  @TakesLargeJson(({ maxJsonBytes }) => ({ bytes: maxJsonBytes, values: 2 * MOST_DIMENSIONS + FEW_VALUES }))
  similarity(@Body() body: unknown): object {
    return this.compat.similarity(body);
  }

  @Post('compute-centroid')
  @HttpCode(200)
  @TakesLargeJson(({ maxJsonBytes }) => ({ bytes: maxJsonBytes, values: MOST_NUMBERS + FEW_VALUES }))
  centroid(@Body() body: unknown, @Bounds() bounds: EmbedOptions): Promise<object> {
    return this.compat.centroid(body, bounds);
  }

  @Post('extract-embedding-buffer')
  @HttpCode(200)
  @TakesLargeJson(recordingInJson)
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
  @TakesLargeJson(recordingInJson)
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

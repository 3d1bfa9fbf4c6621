import { HttpCode, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import { requireMayAsk } from '../access/asked-rate.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import type { EmbedOptions } from '../../addon/types.js';
import { ApiController } from '../access/api-controller.js';
import { Config } from '../config/config.js';
import { Bounds } from '../http/request-context.js';
import type { Recording } from '../uploads/recording.js';
import { AcceptsRecordings, FormFields, Recordings } from '../uploads/uploads.decorator.js';
import {
  comparisonFields,
  comparisonView,
  embeddingFields,
  embeddingsView,
  type ComparisonFields,
  type ComparisonView,
  type EmbeddingFields,
  type EmbeddingsView,
} from './embeddings.dto.js';
import { EmbeddingsService } from './embeddings.service.js';

@ApiController('v1', 'Embeddings')
@RequireScope('read')
@BoundKeys('anything')
export class EmbeddingsController {
  constructor(
    private readonly embeddings: EmbeddingsService,
    private readonly config: Config,
  ) {}

  @Post('embeddings')
  @HttpCode(200)
  @AcceptsRecordings({ audio: { min: 1 } }, embeddingFields)
  @ApiOperation({
    summary: 'Embeddings of one or more recordings',
    description:
      'A recording that fails is a result with an `error`; the others are not touched. Where all fail, the answer is ' +
      "the first one's error.",
    operationId: 'createEmbeddings',
  })
  @ApiOkResponse({ description: 'One result per recording, in their order.', standardSchema: embeddingsView })
  embed(
    @Recordings() recordings: Recording[],
    @FormFields() { pauses, ...part }: EmbeddingFields,
    @Bounds() bounds: EmbedOptions,
  ): Promise<EmbeddingsView> {
    return this.embeddings.embed(recordings, part, { ...bounds, ...(pauses && { pauses }) });
  }

  @Post('compare')
  @HttpCode(200)
  @AcceptsRecordings({ a: { min: 1, max: 1 }, b: { min: 1, max: 1 } }, comparisonFields)
  @ApiOperation({ summary: 'Are two recordings of the same speaker?', operationId: 'compareRecordings' })
  @ApiOkResponse({ description: 'The score, and the threshold that decided.', standardSchema: comparisonView })
  compare(
    @Recordings() recordings: Recording[],
    @FormFields() { pauses, falseAcceptRate, ...part }: ComparisonFields,
    @Req() request: IncomingMessage,
    @Bounds() bounds: EmbedOptions,
  ): Promise<ComparisonView> {
    requireMayAsk(request, falseAcceptRate, this.config);
    const [a, b] = ['a', 'b'].map((name) => recordings.find(({ field }) => field === name)!) as [Recording, Recording];
    return this.embeddings.compare(a, b, part, { ...bounds, ...(pauses && { pauses }) }, falseAcceptRate);
  }
}

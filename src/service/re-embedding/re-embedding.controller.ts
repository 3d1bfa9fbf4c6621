import { Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import type { z } from 'zod';
import { ApiController } from '../access/api-controller.js';
import { RequireScope } from '../access/scope.js';
import { ApiErrors } from '../http/api-errors.js';
import {
  listPeople,
  peopleView,
  reEmbeddingView,
  toPeopleView,
  toReEmbeddingView,
  type PeopleView,
  type ReEmbeddingView,
} from './re-embedding.dto.js';
import { ReEmbeddingService } from './re-embedding.service.js';

@ApiController('v1/models/current/re-embed', 'Recordings')
@RequireScope('admin')
@ApiErrors('MODEL_NOT_READY', 'STORAGE_UNAVAILABLE')
export class ReEmbeddingController {
  constructor(private readonly reEmbedding: ReEmbeddingService) {}

  @Post()
  @HttpCode(202)
  @ApiOperation({
    summary: 'Embed all recordings that are kept by the model in use',
    description:
      'People switch one by one, each at once; vectors of other models stay until all are done, and go then. It outlives the ' +
      'process. While one runs, that is answered.',
    operationId: 'startReEmbedding',
  })
  @ApiAcceptedResponse({ description: 'The one that runs.', standardSchema: reEmbeddingView })
  @ApiErrors('MODEL_NOT_READY', 'CONFLICT', 'OVERLOADED', 'STORAGE_FULL')
  async start(): Promise<ReEmbeddingView> {
    const run = await this.reEmbedding.start();
    return toReEmbeddingView({ ...(await this.reEmbedding.status()), run });
  }

  @Get()
  @ApiOperation({ summary: 'How far that is, and who is left', operationId: 'getReEmbedding' })
  @ApiOkResponse({ description: 'The last one, whatever became of it.', standardSchema: reEmbeddingView })
  @ApiErrors('MODEL_NOT_READY', 'OVERLOADED')
  async status(): Promise<ReEmbeddingView> {
    return toReEmbeddingView(await this.reEmbedding.status());
  }

  @Get('people')
  @ApiOperation({
    summary: 'Who has recordings that the model in use has not embedded, and why',
    operationId: 'listReEmbeddingPeople',
  })
  @ApiOkResponse({ description: 'In the order of ids; also without any run.', standardSchema: peopleView })
  async people(@Query({ schema: listPeople }) { limit, cursor }: z.output<typeof listPeople>): Promise<PeopleView> {
    return toPeopleView(await this.reEmbedding.left(limit, cursor));
  }

  @Post('cancel')
  @HttpCode(200)
  @ApiOperation({
    summary: 'End the one that runs',
    description: 'Who was switched stays so; nothing is removed. Where none runs, nothing happens.',
    operationId: 'cancelReEmbedding',
  })
  @ApiOkResponse({ description: 'The last one.', standardSchema: reEmbeddingView })
  @ApiErrors('MODEL_NOT_READY', 'OVERLOADED', 'STORAGE_FULL')
  async cancel(): Promise<ReEmbeddingView> {
    await this.reEmbedding.cancel();
    return toReEmbeddingView(await this.reEmbedding.status());
  }
}

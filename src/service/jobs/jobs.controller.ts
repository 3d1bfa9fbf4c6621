import { Delete, Get, Headers, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam, ApiProduces } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { ApiController } from '../access/api-controller.js';
import { ApiErrors } from '../http/api-errors.js';
import { contextOf } from '../http/request-context.js';
import { streamAnswer, takeOver, type HostResponse } from '../http/stream-answer.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { JobEvents } from './job-events.js';
import {
  getJob,
  jobsView,
  jobView,
  jobWithItemsView,
  listJobs,
  toJobItemView,
  toJobView,
  type JobsView,
  type JobView,
  type JobWithItemsView,
} from './jobs.dto.js';
import { JobsService } from './jobs.service.js';

const EVENTS_EXAMPLE = [
  'retry: 2000',
  '',
  'event: job',
  'data: {"id":"0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11","state":"running",...}',
  '',
  'id: 1',
  'event: item',
  'data: {"index":0,"speakerId":"ada","state":"done",...,"job":{"counts":{"total":1,"done":1,...},...}}',
  '',
  'id: 2',
  'event: end',
  'data: {"id":"0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11","state":"completed",...}',
].join('\n');

@ApiController('v1/jobs', 'Jobs')
@RequireScope('read')
@BoundKeys('members')
@ApiErrors('STORAGE_UNAVAILABLE')
export class JobsController {
  constructor(
    private readonly jobs: JobsService,
    private readonly events: JobEvents,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List jobs, newest first', operationId: 'listJobs' })
  @ApiOkResponse({ description: 'One page.', standardSchema: jobsView })
  async list(@Query({ schema: listJobs }) query: z.output<typeof listJobs>): Promise<JobsView> {
    const { jobs, total, nextCursor } = await this.jobs.page(query.limit, query.cursor);
    return { jobs: jobs.map(({ job, secondsLeft }) => toJobView(job, secondsLeft)), total, nextCursor };
  }

  @Get(':id')
  @ApiOperation({ summary: 'How far a job is, and what came of its recordings', operationId: 'getJob' })
  @ApiParam({ name: 'id', example: '0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11' })
  @ApiOkResponse({ description: 'The job with a page of its recordings.', standardSchema: jobWithItemsView })
  @ApiErrors('JOB_NOT_FOUND')
  async get(
    @Param('id') id: string,
    @Query({ schema: getJob }) query: z.output<typeof getJob>,
  ): Promise<JobWithItemsView> {
    const { job, secondsLeft, items, nextCursor } = await this.jobs.items(id, query);
    return { ...toJobView(job, secondsLeft), items: items.map(toJobItemView), nextCursor };
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Cancel a job',
    description:
      'What was enrolled stays, and so does the job with its results. Safe to repeat, and on a finished job.',
    operationId: 'cancelJob',
  })
  @ApiParam({ name: 'id', example: '0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11' })
  @ApiOkResponse({ description: 'The job as it is now.', standardSchema: jobView })
  @ApiErrors('JOB_NOT_FOUND', 'CONFLICT', 'STORAGE_FULL')
  async cancel(@Param('id') id: string): Promise<JobView> {
    return toJobView(await this.jobs.cancel(id), null);
  }

  @Delete(':id')
  @HttpCode(204)
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Remove a finished job with its results',
    description: 'What was enrolled stays. A job that is not finished is left alone.',
    operationId: 'removeJob',
  })
  @ApiParam({ name: 'id', example: '0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11' })
  @ApiNoContentResponse({ description: 'Removed.' })
  @ApiErrors('JOB_NOT_FOUND', 'JOB_NOT_FINISHED', 'STORAGE_FULL')
  async remove(@Param('id') id: string): Promise<void> {
    await this.jobs.remove(id);
  }

  @Get(':id/events')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Follow a job by server-sent events',
    description:
      '`job`: the job when the stream begins; `item`: a recording has an outcome; `end`: the job is finished, and the ' +
      'stream with it. The ids of `item` and `end` count up and outlive the service.',
    operationId: 'followJob',
  })
  @ApiParam({ name: 'id', example: '0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11' })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'The last event that was seen: the stream goes on after it.',
    schema: { type: 'string', example: '41' },
  })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({ description: 'The events.', schema: { type: 'string', example: EVENTS_EXAMPLE } })
  @ApiNoContentResponse({ description: 'The end was seen already: there is nothing to come back for.' })
  @ApiErrors('JOB_NOT_FOUND', 'OVERLOADED')
  async follow(
    @Param('id') id: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() request: IncomingMessage,
    @Res() response: HostResponse,
  ): Promise<void> {
    const { signal } = contextOf(request);
    const stream = await this.events.follow(id, eventNumber(lastEventId), signal);
    if (!stream) {
      takeOver(response).writeHead(204).end();
      return;
    }
    const headers = {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      // Proxies of the nginx kind would keep the events back.
      'x-accel-buffering': 'no',
    };
    await streamAnswer(request, response, headers, stream);
  }
}

/** Errors: INVALID_ARGUMENT. */
function eventNumber(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  const number = Number(text);
  if (/^\d{1,15}$/.test(text)) return number;
  throw new TimbreError('INVALID_ARGUMENT', 'Last-Event-ID is the id of an event of this job, a whole number');
}

import { Delete, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiProduces } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { ApiController } from '../access/api-controller.js';
import { requireMay } from '../access/may.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { Config } from '../config/config.js';
import { ApiErrors } from '../http/api-errors.js';
import { streamAnswer, type HostResponse } from '../http/stream-answer.js';
import {
  listRecordings,
  recordingsView,
  removedView,
  toRecordingsView,
  type RecordingsView,
  type RemovedView,
} from './recordings.dto.js';
import { RecordingsService } from './recordings.service.js';

@ApiController('v1/speakers/:id', 'Recordings')
@RequireScope('read')
@BoundKeys('members')
@ApiErrors('SPEAKER_NOT_FOUND', 'STORAGE_UNAVAILABLE')
export class RecordingsController {
  constructor(
    private readonly recordings: RecordingsService,
    private readonly config: Config,
  ) {}

  @Get('recordings')
  @ApiOperation({ summary: "Which of the speaker's recordings are kept as audio", operationId: 'listRecordings' })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'Oldest first, and whether more will be.', standardSchema: recordingsView })
  async list(
    @Param('id') id: string,
    @Query({ schema: listRecordings }) { limit, cursor }: z.output<typeof listRecordings>,
  ): Promise<RecordingsView> {
    return toRecordingsView(await this.recordings.page(id, limit, cursor), this.config.recordingDays);
  }

  @Delete('recordings')
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Remove the audio that is kept of a speaker, for good',
    description: 'Enrolments and profile stay; another model cannot be given these recordings any more.',
    operationId: 'removeRecordings',
  })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'How many there were.', standardSchema: removedView })
  @ApiErrors('SPEAKER_NOT_FOUND', 'STORAGE_FULL')
  async remove(@Param('id') id: string): Promise<RemovedView> {
    return { removed: await this.recordings.remove(id) };
  }

  @Get('enrollments/:enrollmentId/audio')
  @RequireScope('admin')
  @ApiOperation({
    summary: 'The recording of an enrolment, as it was uploaded',
    description:
      'Where it is kept. For keys of the scope `vectors` beside `admin`, and an entry of the audit trail. Where something goes wrong on the way, the connection breaks.',
    operationId: 'getRecording',
  })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiProduces('application/octet-stream')
  @ApiOkResponse({ description: 'Its bytes.', schema: { type: 'string', format: 'binary' } })
  @ApiErrors('SPEAKER_NOT_FOUND', 'ENROLLMENT_NOT_FOUND', 'RECORDING_NOT_KEPT', 'STORAGE_FULL', 'STORAGE_INVALID')
  async read(
    @Param('id') id: string,
    @Param('enrollmentId') enrollmentId: string,
    @Req() request: IncomingMessage,
    @Res() response: HostResponse,
  ): Promise<void> {
    requireMay(request, 'vectors', 'the audio of a recording');
    const { bytes, pieces } = await this.recordings.open(id, enrollmentId);
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(bytes),
      'content-disposition': 'attachment',
      'cache-control': 'no-store',
    };
    await streamAnswer(request, response, headers, pieces);
  }
}

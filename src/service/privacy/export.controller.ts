import { Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { requireMay } from '../access/may.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { ApiController } from '../access/api-controller.js';
import { ApiErrors } from '../http/api-errors.js';
import { Steps } from '../../support/steps.js';
import { contextOf } from '../http/request-context.js';
import { streamAnswer, type HostResponse } from '../http/stream-answer.js';
import { exportQuery, exportView } from './export.dto.js';
import { ExportService } from './export.service.js';

@ApiController('v1/speakers/:id/export', 'Privacy')
@RequireScope('admin')
@BoundKeys('members')
export class ExportController {
  constructor(private readonly exports: ExportService) {}

  @Get()
  @ApiOperation({
    summary: 'Everything that is stored about a speaker',
    description:
      'Speaker with groups and metadata, every consent, enrolments with their qualities, profiles, recordings of jobs with what came of them, what was done to the speaker; the voice embeddings ' +
      'only where they are asked for, by a key of the scope `vectors`, and the speaker has not opted out. Audio that is kept is named, and given by a path of its own. The export itself is an entry of the audit trail. It is all of one moment, and sent as it is read: where something goes wrong, the connection breaks and the document has no end.',
    operationId: 'exportSpeaker',
  })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'The export.', standardSchema: exportView })
  @ApiErrors(
    'SPEAKER_NOT_FOUND',
    'OPTED_OUT',
    'OVERLOADED',
    'DEADLINE_EXCEEDED',
    'STORAGE_UNAVAILABLE',
    'STORAGE_FULL',
    'STORAGE_INVALID',
  )
  export(
    @Param('id') id: string,
    @Query({ schema: exportQuery }) query: z.output<typeof exportQuery>,
    @Req() request: IncomingMessage,
    @Res() response: HostResponse,
  ): Promise<void> {
    const vectors = query.vectors === 'true';
    if (vectors) requireMay(request, 'vectors', 'an export with vectors');
    const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };
    return streamAnswer(request, response, headers, this.exports.export(id, vectors, new Steps(contextOf(request))));
  }
}

import { Get, Header, Param, Query, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { requireMay } from '../access/may.js';
import { RequireScope } from '../access/scope.js';
import { ApiController } from '../access/api-controller.js';
import { ApiErrors } from '../http/api-errors.js';
import { exportQuery, exportView, type ExportView } from './export.dto.js';
import { ExportService } from './export.service.js';

@ApiController('v1/speakers/:id/export', 'Privacy')
@RequireScope('admin')
export class ExportController {
  constructor(private readonly exports: ExportService) {}

  @Get()
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Everything that is stored about a speaker',
    description:
      'Speaker, consent, enrolments with their qualities, profiles, what was done to the speaker; the voice embeddings ' +
      'only where they are asked for, by a key of the scope `vectors`, and the speaker has not opted out. Audio is not kept. The export itself is an entry of the audit trail.',
    operationId: 'exportSpeaker',
  })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'The export.', standardSchema: exportView })
  @ApiErrors('SPEAKER_NOT_FOUND', 'OPTED_OUT', 'STORAGE_UNAVAILABLE', 'STORAGE_FULL', 'STORAGE_INVALID')
  export(
    @Param('id') id: string,
    @Query({ schema: exportQuery }) query: z.output<typeof exportQuery>,
    @Req() request: IncomingMessage,
  ): Promise<ExportView> {
    const vectors = query.vectors === 'true';
    if (vectors) requireMay(request, 'vectors', 'an export with vectors');
    return this.exports.export(id, vectors);
  }
}

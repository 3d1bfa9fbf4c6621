import { Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import type { z } from 'zod';
import { ApiController } from '../access/api-controller.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { ApiErrors } from '../http/api-errors.js';
import { DuplicatesService } from './duplicates.service.js';
import { duplicatesView, listDuplicates, type DuplicatesView } from './profiles.dto.js';

@ApiController('v1/duplicates', 'Profiles')
@RequireScope('admin')
@BoundKeys('members')
export class DuplicatesController {
  constructor(private readonly duplicates: DuplicatesService) {}

  @Get()
  @ApiOperation({
    summary: 'Speakers who may be one person',
    description:
      'Each speaker of the page is compared with everybody; read all pages to look at all. Nobody is merged. A pair is told once, ' +
      'for the id that comes first.',
    operationId: 'listDuplicates',
  })
  @ApiOkResponse({ description: 'What was found for one page of speakers.', standardSchema: duplicatesView })
  @ApiErrors('GROUP_NOT_FOUND', 'MODEL_NOT_READY', 'STORAGE_UNAVAILABLE', 'STORAGE_INVALID', 'STORAGE_FULL')
  list(@Query({ schema: listDuplicates }) query: z.output<typeof listDuplicates>): Promise<DuplicatesView> {
    const { limit, cursor, ...of } = query;
    return this.duplicates.page(limit, cursor, of);
  }
}

import { Body, Get, Param, Put } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import type { z } from 'zod';
import { ApiController } from '../access/api-controller.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { ApiErrors } from '../http/api-errors.js';
import { LedgerService } from './ledger.service.js';
import { groupLearningView, setGroupLearning, type GroupLearningView } from './profiles.dto.js';

@ApiController('v1/groups/:id/learning', 'Profiles')
@RequireScope('read')
@BoundKeys('members')
@ApiErrors('GROUP_NOT_FOUND', 'STORAGE_UNAVAILABLE')
export class GroupLearningController {
  constructor(private readonly ledger: LedgerService) {}

  @Get()
  @ApiOperation({ summary: 'Whether profiles of the group learn', operationId: 'getGroupLearning' })
  @ApiParam({ name: 'id', example: 'household-7' })
  @ApiOkResponse({ description: 'What is set.', standardSchema: groupLearningView })
  async get(@Param('id') id: string): Promise<GroupLearningView> {
    return { group: id, setting: await this.ledger.learningOfGroup(id) };
  }

  @Put()
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Switch learning on or off for the profiles of a group',
    description: 'Of members who have no setting of their own. Of several groups, one that says off is enough.',
    operationId: 'setGroupLearning',
  })
  @ApiParam({ name: 'id', example: 'household-7' })
  @ApiOkResponse({ description: 'What is set now.', standardSchema: groupLearningView })
  @ApiErrors('GROUP_NOT_FOUND', 'CONFLICT', 'STORAGE_FULL')
  async set(
    @Param('id') id: string,
    @Body({ schema: setGroupLearning }) { setting }: z.output<typeof setGroupLearning>,
  ): Promise<GroupLearningView> {
    return { group: id, setting: await this.ledger.setLearningOfGroup(id, setting) };
  }
}

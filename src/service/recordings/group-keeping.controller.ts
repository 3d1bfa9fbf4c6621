import { Body, Get, Param, Put } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import type { z } from 'zod';
import { ApiController } from '../access/api-controller.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { ApiErrors } from '../http/api-errors.js';
import { groupKeepingView, setGroupKeeping, type GroupKeepingView } from './recordings.dto.js';
import { RecordingsService } from './recordings.service.js';

@ApiController('v1/groups/:id/keeping', 'Recordings')
@RequireScope('read')
@BoundKeys('members')
@ApiErrors('GROUP_NOT_FOUND', 'STORAGE_UNAVAILABLE')
export class GroupKeepingController {
  constructor(private readonly recordings: RecordingsService) {}

  @Get()
  @ApiOperation({ summary: "Whether the audio of the group's enrolments is kept", operationId: 'getGroupKeeping' })
  @ApiParam({ name: 'id', example: 'household-7' })
  @ApiOkResponse({ description: 'What is set.', standardSchema: groupKeepingView })
  async get(@Param('id') id: string): Promise<GroupKeepingView> {
    return { group: id, setting: await this.recordings.keepingOfGroup(id) };
  }

  @Put()
  @RequireScope('admin')
  @ApiOperation({
    summary: 'Switch keeping of audio on or off for the enrolments of a group',
    description:
      'From now on; what is kept already stays until it is removed. Of several groups of a speaker, one that says off is enough.',
    operationId: 'setGroupKeeping',
  })
  @ApiParam({ name: 'id', example: 'household-7' })
  @ApiOkResponse({ description: 'What is set now.', standardSchema: groupKeepingView })
  @ApiErrors('GROUP_NOT_FOUND', 'CONFLICT', 'STORAGE_FULL')
  async set(
    @Param('id') id: string,
    @Body({ schema: setGroupKeeping }) { setting }: z.output<typeof setGroupKeeping>,
  ): Promise<GroupKeepingView> {
    return { group: id, setting: await this.recordings.setKeepingOfGroup(id, setting) };
  }
}

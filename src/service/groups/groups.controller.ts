import { Body, Delete, Get, HttpCode, Param, Patch, Post, Put, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import type { z } from 'zod';
import { ApiController } from '../access/api-controller.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { ApiErrors } from '../http/api-errors.js';
import {
  createGroup,
  groupsView,
  groupView,
  listGroups,
  toGroupView,
  updateGroup,
  type GroupsView,
  type GroupView,
} from './groups.dto.js';
import { GroupsService } from './groups.service.js';

@ApiController('v1/groups', 'Groups')
@RequireScope('read')
@BoundKeys('members')
@ApiErrors('STORAGE_UNAVAILABLE')
export class GroupsController {
  constructor(private readonly groups: GroupsService) {}

  @Post()
  @RequireScope('enrol')
  @BoundKeys('refused')
  @ApiOperation({
    summary: 'Add a group',
    description: 'Of speakers who belong together: a household, a meeting, the people of a customer.',
    operationId: 'createGroup',
  })
  @ApiCreatedResponse({ description: 'The new group, without members yet.', standardSchema: groupView })
  @ApiErrors('GROUP_EXISTS', 'STORAGE_FULL')
  async create(@Body({ schema: createGroup }) body: z.output<typeof createGroup>): Promise<GroupView> {
    return toGroupView(await this.groups.create(body));
  }

  @Get()
  @ApiOperation({ summary: 'List groups, oldest first', operationId: 'listGroups' })
  @ApiOkResponse({ description: 'One page.', standardSchema: groupsView })
  async list(@Query({ schema: listGroups }) query: z.output<typeof listGroups>): Promise<GroupsView> {
    const { groups, total, nextCursor } = await this.groups.page(query.limit, query.cursor);
    return { groups: groups.map(toGroupView), total, nextCursor };
  }

  @Get(':id')
  @ApiOperation({ summary: 'A group', description: 'Its members: `GET /v1/speakers?group=`.', operationId: 'getGroup' })
  @ApiParam({ name: 'id', example: 'household-7' })
  @ApiOkResponse({ description: 'The group.', standardSchema: groupView })
  @ApiErrors('GROUP_NOT_FOUND')
  async get(@Param('id') id: string): Promise<GroupView> {
    return toGroupView(await this.groups.get(id));
  }

  @Patch(':id')
  @RequireScope('enrol')
  @ApiOperation({ summary: 'Rename a group', operationId: 'updateGroup' })
  @ApiParam({ name: 'id', example: 'household-7' })
  @ApiOkResponse({ description: 'The group as changed.', standardSchema: groupView })
  @ApiErrors('GROUP_NOT_FOUND', 'CONFLICT', 'STORAGE_FULL')
  async update(
    @Param('id') id: string,
    @Body({ schema: updateGroup }) body: z.output<typeof updateGroup>,
  ): Promise<GroupView> {
    return toGroupView(await this.groups.rename(id, body));
  }

  @Delete(':id')
  @HttpCode(204)
  @RequireScope('admin')
  @ApiOperation({
    summary: 'Delete a group',
    description: 'Its members stay, and belong to it no more. One that API keys are bound to is left alone.',
    operationId: 'deleteGroup',
  })
  @ApiParam({ name: 'id', example: 'household-7' })
  @ApiNoContentResponse({ description: 'Deleted.' })
  @ApiErrors('GROUP_NOT_FOUND', 'GROUP_IN_USE', 'STORAGE_FULL')
  async delete(@Param('id') id: string): Promise<void> {
    await this.groups.delete(id);
  }

  @Put(':id/members/:speakerId')
  @HttpCode(204)
  @RequireScope('enrol')
  @ApiOperation({ summary: 'Add a speaker to a group', description: 'Safe to repeat.', operationId: 'joinGroup' })
  @ApiParam({ name: 'id', example: 'household-7' })
  @ApiParam({ name: 'speakerId', example: 'ada' })
  @ApiNoContentResponse({ description: 'The speaker belongs to the group.' })
  @ApiErrors('GROUP_NOT_FOUND', 'SPEAKER_NOT_FOUND', 'CONFLICT', 'STORAGE_FULL')
  async join(@Param('id') id: string, @Param('speakerId') speakerId: string): Promise<void> {
    await this.groups.join(id, speakerId);
  }

  @Delete(':id/members/:speakerId')
  @HttpCode(204)
  @RequireScope('enrol')
  @ApiOperation({ summary: 'Take a speaker out of a group', description: 'Safe to repeat.', operationId: 'leaveGroup' })
  @ApiParam({ name: 'id', example: 'household-7' })
  @ApiParam({ name: 'speakerId', example: 'ada' })
  @ApiNoContentResponse({ description: 'The speaker does not belong to the group.' })
  @ApiErrors('GROUP_NOT_FOUND', 'SPEAKER_NOT_FOUND', 'CONFLICT', 'STORAGE_FULL')
  async leave(@Param('id') id: string, @Param('speakerId') speakerId: string): Promise<void> {
    await this.groups.leave(id, speakerId);
  }
}

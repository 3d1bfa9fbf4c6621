import { Body, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import type { z } from 'zod';
import { ApiController } from '../access/api-controller.js';
import { RequireScope } from '../access/scope.js';
import { ApiErrors } from '../http/api-errors.js';
import { setWatch, watchView, type WatchView } from './watch.dto.js';
import { WatchLists } from './watch-lists.js';

const GROUP = { name: 'id', example: 'banned-callers' };

@ApiController('v1/groups/:id/watch', 'Groups')
@RequireScope('admin')
@ApiErrors('GROUP_NOT_FOUND', 'STORAGE_UNAVAILABLE')
export class WatchController {
  constructor(private readonly watch: WatchLists) {}

  @Get()
  @ApiOperation({ summary: 'Whether the group is a watch list', operationId: 'getWatch' })
  @ApiParam(GROUP)
  @ApiOkResponse({ description: 'What is set.', standardSchema: watchView })
  async get(@Param('id') id: string): Promise<WatchView> {
    return { group: id, falseAcceptRate: await this.watch.rateOf(id) };
  }

  @Put()
  @ApiOperation({
    summary: 'Make a group a watch list',
    description:
      'Whenever a member is heard, in a verification, an identification or a conversation, that is in the audit trail ' +
      '(`watch.matched`), in the metrics, and sent to webhooks that asked for it. The answer to the caller does not change. ' +
      'Calls of keys that are bound to groups are compared with watch lists among these alone.',
    operationId: 'setWatch',
  })
  @ApiParam(GROUP)
  @ApiOkResponse({ description: 'What is set now.', standardSchema: watchView })
  @ApiErrors('MODEL_NOT_READY', 'CONFLICT', 'STORAGE_FULL')
  async set(
    @Param('id') id: string,
    @Body({ schema: setWatch }) { falseAcceptRate }: z.output<typeof setWatch>,
  ): Promise<WatchView> {
    await this.watch.set(id, falseAcceptRate);
    return { group: id, falseAcceptRate };
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({ summary: 'Report the members of a group no more', operationId: 'endWatch' })
  @ApiParam(GROUP)
  @ApiNoContentResponse({ description: 'The group is no watch list.' })
  @ApiErrors('CONFLICT', 'STORAGE_FULL')
  async end(@Param('id') id: string): Promise<void> {
    await this.watch.end(id);
  }
}

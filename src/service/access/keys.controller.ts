import { Body, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { ApiErrors } from '../http/api-errors.js';
import { ApiController } from './api-controller.js';
import { ApiKeys } from './api-keys.js';
import { keyViewOf } from './key-view.js';
import { createKey, keysView, newKeyView, type KeysView, type NewKeyView } from './keys.dto.js';
import { requireMay } from './may.js';
import { RequireScope } from './scope.js';

@ApiController('v1/keys', 'Access')
@RequireScope('admin')
@ApiErrors('STORAGE_UNAVAILABLE')
export class KeysController {
  constructor(private readonly keys: ApiKeys) {}

  @Get()
  @ApiOperation({ summary: 'List API keys, oldest first', operationId: 'listKeys' })
  @ApiOkResponse({ description: 'All of them, without their texts.', standardSchema: keysView })
  async list(): Promise<KeysView> {
    const now = new Date();
    return { keys: (await this.keys.list()).map((key) => keyViewOf(key, now)) };
  }

  @Post()
  @ApiOperation({
    summary: 'Make an API key',
    description: 'Its text is in the answer and stored nowhere. Nobody gives scopes that he does not have.',
    operationId: 'createKey',
  })
  @ApiCreatedResponse({ description: 'The key with its text.', standardSchema: newKeyView })
  @ApiErrors('GROUP_NOT_FOUND', 'STORAGE_FULL')
  async create(
    @Body({ schema: createKey }) body: z.output<typeof createKey>,
    @Req() request: IncomingMessage,
  ): Promise<NewKeyView> {
    for (const scope of body.scopes) requireMay(request, scope, `a key of the scope ${scope}`);
    const { key, text } = await this.keys.create(body);
    return { ...keyViewOf(key, new Date()), key: text };
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Revoke an API key',
    description: 'It works no more, and stays in the list. Safe to repeat. Sessions are ended by `DELETE /v1/sign-in`.',
    operationId: 'revokeKey',
  })
  @ApiParam({ name: 'id', example: '0123456789ab' })
  @ApiNoContentResponse({ description: 'Revoked.' })
  @ApiErrors('KEY_NOT_FOUND', 'STORAGE_FULL')
  async revoke(@Param('id') id: string): Promise<void> {
    await this.keys.revoke(id);
  }
}

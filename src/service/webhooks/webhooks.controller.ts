import { Body, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
} from '@nestjs/swagger';
import type { z } from 'zod';
import { ApiController } from '../access/api-controller.js';
import { RequireScope } from '../access/scope.js';
import { ApiErrors } from '../http/api-errors.js';
import {
  createWebhook,
  deliveriesView,
  listDeliveries,
  newWebhookView,
  toDeliveryView,
  toNewWebhookView,
  toWebhookView,
  webhooksView,
  webhookView,
  type DeliveriesView,
  type NewWebhookView,
  type WebhooksView,
  type WebhookView,
} from './webhooks.dto.js';
import { WebhooksService } from './webhooks.service.js';

const ID = { name: 'id', example: '5f0d9b6e-2c3b-4f6a-9a55-0b1f3c8d7e21' };

@ApiController('v1/webhooks', 'Webhooks')
@RequireScope('admin')
@ApiErrors('STORAGE_UNAVAILABLE')
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  @Post()
  @ApiOperation({
    summary: 'Be told of events by a signed request',
    description:
      'Requests are POSTs with a JSON body, signed after the Standard Webhooks specification, sent until they are ' +
      'answered with 2xx: at least once, with pauses that grow to a day.',
    operationId: 'createWebhook',
  })
  @ApiCreatedResponse({ description: 'The webhook with its secret.', standardSchema: newWebhookView })
  @ApiErrors('STORAGE_FULL')
  async create(@Body({ schema: createWebhook }) body: z.output<typeof createWebhook>): Promise<NewWebhookView> {
    return toNewWebhookView(await this.webhooks.create(body.url, body.events));
  }

  @Get()
  @ApiOperation({ summary: 'List webhooks, oldest first', operationId: 'listWebhooks' })
  @ApiOkResponse({ description: 'All of them.', standardSchema: webhooksView })
  async list(): Promise<WebhooksView> {
    return { webhooks: (await this.webhooks.list()).map(toWebhookView) };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Get a webhook', operationId: 'getWebhook' })
  @ApiParam(ID)
  @ApiOkResponse({ description: 'The webhook, without its secret.', standardSchema: webhookView })
  @ApiErrors('WEBHOOK_NOT_FOUND')
  async get(@Param('id') id: string): Promise<WebhookView> {
    return toWebhookView(await this.webhooks.get(id));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove a webhook, and what waits to be sent to it', operationId: 'deleteWebhook' })
  @ApiParam(ID)
  @ApiNoContentResponse({ description: 'It is gone.' })
  @ApiErrors('WEBHOOK_NOT_FOUND', 'STORAGE_FULL')
  async remove(@Param('id') id: string): Promise<void> {
    await this.webhooks.remove(id);
  }

  @Post(':id/test')
  @HttpCode(202)
  @ApiOperation({ summary: 'Send a webhook an event that says nothing', operationId: 'testWebhook' })
  @ApiParam(ID)
  @ApiAcceptedResponse({ description: 'It is going to be sent.' })
  @ApiErrors('WEBHOOK_NOT_FOUND', 'STORAGE_FULL')
  async test(@Param('id') id: string): Promise<void> {
    await this.webhooks.test(id);
  }

  @Get(':id/deliveries')
  @ApiOperation({
    summary: 'What was sent to a webhook, newest first',
    description: 'Those that were delivered or given up go after a week.',
    operationId: 'listWebhookDeliveries',
  })
  @ApiParam(ID)
  @ApiOkResponse({ description: 'One page.', standardSchema: deliveriesView })
  @ApiErrors('WEBHOOK_NOT_FOUND')
  async deliveries(
    @Param('id') id: string,
    @Query({ schema: listDeliveries }) query: z.output<typeof listDeliveries>,
  ): Promise<DeliveriesView> {
    const { deliveries, nextCursor } = await this.webhooks.deliveries(id, query);
    return { deliveries: deliveries.map(toDeliveryView), nextCursor };
  }
}

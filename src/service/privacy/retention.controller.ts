import { Get, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { z } from 'zod';
import { ApiController } from '../access/api-controller.js';
import { RequireScope } from '../access/scope.js';
import { ApiErrors } from '../http/api-errors.js';
import { Retention, type RetentionStatus } from './retention.js';

export const retentionView = z.object({
  state: z.enum(['running', 'paused']).meta({
    description: 'paused: the clock has left the last heartbeat by far, and nothing goes by age until it is confirmed.',
  }),
  heartbeat: z.iso.datetime().nullable().meta({ description: 'When the service last found the clock right.' }),
  now: z.iso.datetime().meta({ description: "The service's clock." }),
});

export type RetentionView = z.output<typeof retentionView>;

@ApiController('v1/retention', 'Privacy')
@RequireScope('admin')
@ApiErrors('STORAGE_UNAVAILABLE')
export class RetentionController {
  constructor(private readonly retention: Retention) {}

  @Get()
  @ApiOperation({ summary: 'Whether things go by age', operationId: 'getRetention' })
  @ApiOkResponse({ description: 'The state now.', standardSchema: retentionView })
  async status(): Promise<RetentionView> {
    return toRetentionView(await this.retention.status());
  }

  @Post('confirm')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Confirm that the clock is right, after it has jumped',
    description: 'Retention goes on with the time that the clock shows: look at `now` first.',
    operationId: 'confirmClock',
  })
  @ApiOkResponse({ description: 'The state now.', standardSchema: retentionView })
  @ApiErrors('STORAGE_FULL')
  async confirm(): Promise<RetentionView> {
    return toRetentionView(await this.retention.confirm());
  }
}

function toRetentionView({ state, heartbeat, now }: RetentionStatus): RetentionView {
  return { state, heartbeat: heartbeat?.toISOString() ?? null, now: now.toISOString() };
}

import { Get, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { ApiController } from '../access/api-controller.js';
import { RequireScope } from '../access/scope.js';
import { ApiErrors } from '../http/api-errors.js';
import { retentionView, toRetentionView, type RetentionView } from './retention.dto.js';
import { Retention } from './retention.js';

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

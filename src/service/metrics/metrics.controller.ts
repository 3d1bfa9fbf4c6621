import { Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces } from '@nestjs/swagger';
import { Registry } from 'prom-client';
import { RequireScope } from '../access/scope.js';
import { ApiController } from '../access/api-controller.js';
import { Metrics } from './metrics.service.js';

@ApiController('metrics', 'Operations')
@RequireScope('read', { unless: 'openMetrics' })
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @Header('content-type', Registry.PROMETHEUS_CONTENT_TYPE)
  @ApiOperation({ summary: 'Metrics for Prometheus', operationId: 'getMetrics' })
  @ApiProduces('text/plain')
  @ApiOkResponse({ description: 'Stage timings, queue, requests, event loop, memory.', schema: { type: 'string' } })
  read(): Promise<string> {
    return this.metrics.registry.metrics();
  }
}

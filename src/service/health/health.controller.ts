import { Get, HttpStatus, ServiceUnavailableException } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse } from '@nestjs/swagger';
import { HealthCheckService, type HealthCheckResult, type HealthIndicatorFunction } from '@nestjs/terminus';
import { z } from 'zod';
import { Public } from '../access/scope.js';
import { ApiController } from '../access/api-controller.js';
import { CalibrationHealth } from './calibration.health.js';
import { EngineHealth } from './engine.health.js';
import { VoicesHealth } from './voices.health.js';

const indicators = z.record(z.string(), z.object({ status: z.enum(['up', 'down']) }).loose());
const healthResult = z.object({
  status: z.enum(['ok', 'error', 'shutting_down']),
  info: indicators,
  error: indicators,
  details: indicators,
});

@ApiController('health', 'Operations')
@Public()
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly engine: EngineHealth,
    private readonly voices: VoicesHealth,
    private readonly calibration: CalibrationHealth,
    private readonly host: HttpAdapterHost,
  ) {}

  @Get('live')
  @ApiOperation({ summary: 'Is the process alive?', operationId: 'getLive' })
  @ApiOkResponse({ description: 'It answers.', standardSchema: healthResult })
  live(@Res({ passthrough: true }) response: unknown): Promise<HealthCheckResult> {
    return this.check([], response);
  }

  @Get('ready')
  @ApiOperation({ summary: 'Can it take requests?', operationId: 'getReady' })
  @ApiOkResponse({
    description: 'The model is loaded, the database answers, and every voice can be found.',
    standardSchema: healthResult,
  })
  @ApiServiceUnavailableResponse({
    description: 'Not yet, or not any more: the `message` of each part in `error` says why.',
    standardSchema: healthResult,
  })
  ready(@Res({ passthrough: true }) response: unknown): Promise<HealthCheckResult> {
    const checks = [
      () => this.engine.check('engine'),
      () => this.voices.database('database'),
      () => this.voices.gallery('gallery'),
      () => this.voices.records('records'),
      () => this.voices.retention('retention'),
      () => this.calibration.check('calibration'),
    ];
    return this.check(checks, response);
  }

  private async check(of: HealthIndicatorFunction[], response: unknown): Promise<HealthCheckResult> {
    try {
      return await this.health.check(of);
    } catch (error) {
      if (!(error instanceof ServiceUnavailableException)) throw error;
      this.host.httpAdapter.status(response, HttpStatus.SERVICE_UNAVAILABLE);
      return error.getResponse() as HealthCheckResult;
    }
  }
}

import { Module } from '@nestjs/common';
import { MetricsController } from './metrics.controller.js';
import { Metrics } from './metrics.service.js';
import { Templates } from './templates.js';

@Module({ controllers: [MetricsController], providers: [Metrics, Templates], exports: [Metrics, Templates] })
export class MetricsModule {}

import { Module } from '@nestjs/common';
import { Metrics } from './metrics.service.js';
import { Templates } from './templates.js';

@Module({ providers: [Metrics, Templates], exports: [Metrics, Templates] })
export class MetricsModule {}

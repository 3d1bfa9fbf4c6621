import { Module } from '@nestjs/common';
import { MetricsModule } from '../metrics/metrics.module.js';
import { CompatServer } from './compat.server.js';

/** The sidecar's calls, on a port of their own. */
@Module({ imports: [MetricsModule], providers: [CompatServer], exports: [CompatServer] })
export class CompatModule {}

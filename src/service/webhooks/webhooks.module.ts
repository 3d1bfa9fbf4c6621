import { Module } from '@nestjs/common';
import { Clock, SystemClock } from '../../support/clock.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { WebhookSender } from './webhook-sender.js';
import { WebhooksService } from './webhooks.service.js';

@Module({
  imports: [MetricsModule],
  providers: [WebhookSender, WebhooksService, { provide: Clock, useClass: SystemClock }],
  exports: [WebhooksService],
})
export class WebhooksModule {}

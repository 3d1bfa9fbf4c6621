import { Module } from '@nestjs/common';
import { JobsModule } from '../jobs/jobs.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { ConversationAdmission } from './conversation-admission.interceptor.js';
import { ConversationsService } from './conversations.service.js';

@Module({
  imports: [JobsModule, MetricsModule],
  providers: [ConversationsService, ConversationAdmission],
  exports: [ConversationsService, ConversationAdmission],
})
export class ConversationsModule {}

import { Module } from '@nestjs/common';
import { ConsentModule } from '../consent/consent.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { UnknownVoicesModule } from '../unknown-voices/unknown-voices.module.js';
import { WatchModule } from '../watch/watch.module.js';
import { ConversationAdmission } from './conversation-admission.interceptor.js';
import { ConversationsService } from './conversations.service.js';
import { VoiceNamer } from './voice-namer.js';

@Module({
  imports: [ConsentModule, JobsModule, MetricsModule, UnknownVoicesModule, WatchModule],
  providers: [ConversationsService, VoiceNamer, ConversationAdmission],
  exports: [ConversationsService, ConversationAdmission],
})
export class ConversationsModule {}

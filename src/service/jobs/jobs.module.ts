import { Module } from '@nestjs/common';
import { EnrollmentsModule } from '../enrollments/enrollments.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { SpeakersModule } from '../speakers/speakers.module.js';
import { JobAdmission } from './job-admission.interceptor.js';
import { JobEvents } from './job-events.js';
import { JobFeed } from './job-feed.js';
import { JobRunner } from './job-runner.js';
import { JobsController } from './jobs.controller.js';
import { JobsService } from './jobs.service.js';
import { TrainingSessionsController } from './training-sessions.controller.js';

@Module({
  imports: [EnrollmentsModule, MetricsModule, SpeakersModule],
  controllers: [TrainingSessionsController, JobsController],
  providers: [JobsService, JobRunner, JobFeed, JobEvents, JobAdmission],
})
export class JobsModule {}

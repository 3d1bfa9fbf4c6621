import { Module } from '@nestjs/common';
import { EnrollmentsModule } from '../enrollments/enrollments.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { SpeakersModule } from '../speakers/speakers.module.js';
import { JobAdmission } from './job-admission.interceptor.js';
import { JobEvents } from './job-events.js';
import { JobFeed } from './job-feed.js';
import { JobRunner } from './job-runner.js';
import { JobsService } from './jobs.service.js';
import { UploadsSweep } from './uploads-sweep.js';

@Module({
  imports: [EnrollmentsModule, MetricsModule, SpeakersModule],
  providers: [JobsService, JobRunner, JobFeed, JobEvents, JobAdmission, UploadsSweep],
  exports: [JobsService, JobEvents, JobAdmission, JobRunner],
})
export class JobsModule {}

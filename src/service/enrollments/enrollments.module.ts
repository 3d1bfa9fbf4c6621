import { Module } from '@nestjs/common';
import { RecordingsModule } from '../recordings/recordings.module.js';
import { SpeakersModule } from '../speakers/speakers.module.js';
import { Duplicates } from './duplicates.js';
import { ImportService } from './import.service.js';
import { HealthService } from './health.service.js';
import { EnrollmentsService } from './enrollments.service.js';
import { ProfileKeeper } from './profile-keeper.js';

@Module({
  imports: [SpeakersModule, RecordingsModule],
  providers: [EnrollmentsService, ProfileKeeper, Duplicates, HealthService, ImportService],
  exports: [EnrollmentsService, ProfileKeeper, Duplicates, HealthService, ImportService],
})
export class EnrollmentsModule {}

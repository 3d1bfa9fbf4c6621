import { Module } from '@nestjs/common';
import { SpeakersModule } from '../speakers/speakers.module.js';
import { EnrollmentsService } from './enrollments.service.js';
import { ProfileKeeper } from './profile-keeper.js';

@Module({
  imports: [SpeakersModule],
  providers: [EnrollmentsService, ProfileKeeper],
  exports: [EnrollmentsService],
})
export class EnrollmentsModule {}

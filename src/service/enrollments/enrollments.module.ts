import { Module } from '@nestjs/common';
import { SpeakersModule } from '../speakers/speakers.module.js';
import { EnrollmentsController } from './enrollments.controller.js';
import { EnrollmentsService } from './enrollments.service.js';
import { ProfileKeeper } from './profile-keeper.js';

@Module({
  imports: [SpeakersModule],
  controllers: [EnrollmentsController],
  providers: [EnrollmentsService, ProfileKeeper],
  exports: [EnrollmentsService],
})
export class EnrollmentsModule {}

import { Module } from '@nestjs/common';
import { ProfilesModule } from '../profiles/profiles.module.js';
import { SpeakersModule } from '../speakers/speakers.module.js';
import { WatchModule } from '../watch/watch.module.js';
import { VerificationService } from './verification.service.js';

@Module({
  imports: [SpeakersModule, ProfilesModule, WatchModule],
  providers: [VerificationService],
  exports: [VerificationService],
})
export class VerificationModule {}

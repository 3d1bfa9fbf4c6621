import { Module } from '@nestjs/common';
import { SpeakersModule } from '../speakers/speakers.module.js';
import { VerificationService } from './verification.service.js';

@Module({
  imports: [SpeakersModule],
  providers: [VerificationService],
  exports: [VerificationService],
})
export class VerificationModule {}

import { Module } from '@nestjs/common';
import { SpeakersModule } from '../speakers/speakers.module.js';
import { VerificationController } from './verification.controller.js';
import { VerificationService } from './verification.service.js';

@Module({
  imports: [SpeakersModule],
  controllers: [VerificationController],
  providers: [VerificationService],
})
export class VerificationModule {}

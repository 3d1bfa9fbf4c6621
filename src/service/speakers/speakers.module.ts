import { Module } from '@nestjs/common';
import { SpeakersService } from './speakers.service.js';

@Module({
  providers: [SpeakersService],
  exports: [SpeakersService],
})
export class SpeakersModule {}

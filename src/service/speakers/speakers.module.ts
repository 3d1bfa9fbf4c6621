import { Module } from '@nestjs/common';
import { ReceiptsController } from './receipts.controller.js';
import { SpeakersController } from './speakers.controller.js';
import { SpeakersService } from './speakers.service.js';

@Module({
  controllers: [SpeakersController, ReceiptsController],
  providers: [SpeakersService],
  exports: [SpeakersService],
})
export class SpeakersModule {}

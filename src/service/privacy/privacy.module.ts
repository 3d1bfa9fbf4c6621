import { Module } from '@nestjs/common';
import { Clock, SystemClock } from '../../support/clock.js';
import { RecordingsModule } from '../recordings/recordings.module.js';
import { SpeakersModule } from '../speakers/speakers.module.js';
import { ExportService } from './export.service.js';
import { Retention } from './retention.js';

/** What speakers may ask for, and what happens to those who are forgotten. */
@Module({
  imports: [RecordingsModule, SpeakersModule],
  providers: [ExportService, Retention, { provide: Clock, useClass: SystemClock }],
  exports: [ExportService, Retention],
})
export class PrivacyModule {}

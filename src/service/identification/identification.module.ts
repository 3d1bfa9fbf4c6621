import { Module } from '@nestjs/common';
import { WatchModule } from '../watch/watch.module.js';
import { IdentificationService } from './identification.service.js';

@Module({ imports: [WatchModule], providers: [IdentificationService], exports: [IdentificationService] })
export class IdentificationModule {}

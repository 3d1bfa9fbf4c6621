import { Module } from '@nestjs/common';
import { IdentificationController } from './identification.controller.js';
import { IdentificationService } from './identification.service.js';

@Module({ controllers: [IdentificationController], providers: [IdentificationService] })
export class IdentificationModule {}

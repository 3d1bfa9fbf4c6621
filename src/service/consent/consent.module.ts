import { Module } from '@nestjs/common';
import { ConsentPolicy } from './consent-policy.js';
import { ConsentService } from './consent.service.js';

@Module({ providers: [ConsentPolicy, ConsentService], exports: [ConsentPolicy, ConsentService] })
export class ConsentModule {}

import { Global, Module } from '@nestjs/common';
import { ConsentPolicy } from './consent-policy.js';
import { ConsentController } from './consent.controller.js';
import { ConsentService } from './consent.service.js';

@Global()
@Module({ controllers: [ConsentController], providers: [ConsentPolicy, ConsentService], exports: [ConsentPolicy] })
export class ConsentModule {}

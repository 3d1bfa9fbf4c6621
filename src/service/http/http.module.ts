import { Global, Module } from '@nestjs/common';
import { ErrorFilter } from './error.filter.js';
import { Traffic } from './traffic.js';

@Global()
@Module({ providers: [Traffic, ErrorFilter], exports: [Traffic, ErrorFilter] })
export class HttpModule {}

import { Module } from '@nestjs/common';
import { ErrorFilter } from './error.filter.js';
import { Traffic } from './traffic.js';

@Module({ providers: [Traffic, ErrorFilter], exports: [Traffic, ErrorFilter] })
export class HttpModule {}

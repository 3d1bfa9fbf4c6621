import { Global, Module } from '@nestjs/common';
import { AudioRoots } from './audio-roots.js';
import { ErrorFilter } from './error.filter.js';
import { Traffic } from './traffic.js';

@Global()
@Module({ providers: [Traffic, ErrorFilter, AudioRoots], exports: [Traffic, ErrorFilter, AudioRoots] })
export class HttpModule {}

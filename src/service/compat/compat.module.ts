import { Module } from '@nestjs/common';
import { CompatServer } from './compat.server.js';

/** The sidecar's calls, on a port of their own. */
@Module({ providers: [CompatServer], exports: [CompatServer] })
export class CompatModule {}

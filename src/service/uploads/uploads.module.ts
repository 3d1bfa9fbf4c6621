import { Global, Module } from '@nestjs/common';
import { Spool } from './spool.js';
import { UploadMemory } from './upload-memory.js';
import { UploadSlots } from './upload-slots.js';

@Global()
@Module({ providers: [UploadSlots, UploadMemory, Spool], exports: [UploadSlots, UploadMemory, Spool] })
export class UploadsModule {}

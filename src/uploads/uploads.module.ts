import { Global, Module } from '@nestjs/common';
import { Spool } from './spool.js';
import { UploadSlots } from './upload-slots.js';

@Global()
@Module({ providers: [UploadSlots, Spool], exports: [UploadSlots, Spool] })
export class UploadsModule {}

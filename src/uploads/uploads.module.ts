import { Global, Module } from '@nestjs/common';
import { UploadSlots } from './upload-slots.js';

@Global()
@Module({ providers: [UploadSlots], exports: [UploadSlots] })
export class UploadsModule {}

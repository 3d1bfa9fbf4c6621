import { Module, type OnModuleInit } from '@nestjs/common';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TimbreError } from '../../errors/timbre-error.js';
import { Config } from '../config/config.js';
import { AudioRoots } from './audio-roots.js';
import { Spool } from './spool.js';
import { UploadMemory } from './upload-memory.js';
import { UploadSlots } from './upload-slots.js';

@Module({
  providers: [AudioRoots, UploadSlots, UploadMemory, Spool],
  exports: [AudioRoots, UploadSlots, UploadMemory, Spool],
})
export class UploadsModule implements OnModuleInit {
  constructor(private readonly config: Config) {}

  /** The folder of uploads is the service's alone; in the data folder, what a crash left of them goes. */
  async onModuleInit(): Promise<void> {
    const { uploadDir, dataDir } = this.config;
    try {
      if (uploadDir === join(dataDir, UPLOADS_FOLDER)) await rm(uploadDir, { recursive: true, force: true });
      await mkdir(uploadDir, { recursive: true, mode: 0o700 });
    } catch (cause) {
      const { message } = cause as Error;
      throw new TimbreError('WRITE_FAILED', `uploads cannot be kept in ${uploadDir}: ${message}`, { cause });
    }
  }
}

const UPLOADS_FOLDER = 'uploads';

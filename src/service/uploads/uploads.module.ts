import { Module, type OnModuleInit, Logger } from '@nestjs/common';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Config } from '../config/config.js';
import { AudioRoots } from './audio-roots.js';
import { BlobStore } from './blob-store.js';
import { Spool } from './spool.js';
import { UploadMemory } from './upload-memory.js';
import { UploadSlots } from './upload-slots.js';

@Module({
  providers: [AudioRoots, UploadSlots, UploadMemory, { provide: BlobStore, useClass: Spool }],
  exports: [AudioRoots, UploadSlots, UploadMemory, BlobStore],
})
export class UploadsModule implements OnModuleInit {
  private readonly logger = new Logger('Uploads');

  constructor(private readonly config: Config) {}

  /** The folder of uploads is the service's alone; in the data folder, what a crash left of them goes. */
  async onModuleInit(): Promise<void> {
    const { uploadDir, dataDir } = this.config;
    try {
      if (uploadDir === join(dataDir, UPLOADS_FOLDER)) await rm(uploadDir, { recursive: true, force: true });
      await mkdir(uploadDir, { recursive: true, mode: 0o700 });
    } catch (cause) {
      // What memory has room for is taken all the same; the others are told.
      this.logger.warn({ err: cause, msg: 'the folder of uploads (TIMBRE_UPLOAD_DIR) cannot be made' });
    }
  }
}

const UPLOADS_FOLDER = 'uploads';

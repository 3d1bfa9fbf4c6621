import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TimbreError } from '../../errors/timbre-error.js';
import { isMissing, placeWhole } from '../../support/files.js';
import { headerLine, keyIn, LOCAL_KEY_FILE } from '../../support/key-file.js';
import { Config } from '../config/config.js';
import { isTextOf, keyIdOf, newApiKey, statusOf, type ApiKey } from './api-key.js';
import { KeyStore } from './key-store.js';

/**
 * The key of whoever may read the data folder: made at the first start, in a file that only the service's user can read.
 * Commands on this machine read it by themselves, `curl -H @FILE` sends it.
 */
@Injectable()
export class LocalKey implements OnModuleInit {
  private readonly logger = new Logger('Keys');
  readonly file: string;

  constructor(
    private readonly config: Config,
    private readonly store: KeyStore,
  ) {
    this.file = join(config.dataDir, LOCAL_KEY_FILE);
  }

  /**
   * Makes the key where there is none, or where the file's is none of this database. One that was revoked stays so
   * until its file is removed. Errors: STORAGE_INVALID where others can read the file, STORAGE_UNAVAILABLE where it
   * cannot be written; those of the storage.
   */
  async onModuleInit(): Promise<void> {
    if (this.config.requireKeys === 'application') return;
    const text = await this.read();
    const key = text === undefined ? undefined : await this.known(text);
    if (key === undefined) {
      await this.make();
    } else if (statusOf(key, new Date()) !== 'active') {
      const remedy = `remove ${this.file} and start again to have a new one`;
      this.logger.warn({ key: key.id, msg: `the local key is ${statusOf(key, new Date())}: ${remedy}` });
    }
  }

  private async read(): Promise<string | undefined> {
    try {
      const { mode, uid } = await stat(this.file);
      if ((mode & 0o077) !== 0 || uid !== process.geteuid?.()) {
        throw new TimbreError(
          'STORAGE_INVALID',
          `${this.file} is the service's key and others can read it: remove it, and a new one is made at the next start`,
        );
      }
      return keyIn(await readFile(this.file, 'utf8'));
    } catch (cause) {
      if (isMissing(cause)) return undefined;
      if (cause instanceof TimbreError) throw cause;
      throw this.unavailable('read', cause);
    }
  }

  private async known(text: string): Promise<ApiKey | undefined> {
    const keys = await this.store.all();
    const key = keys.find(({ id }) => id === keyIdOf(text));
    return isTextOf(text, key) ? key : undefined;
  }

  private async make(): Promise<void> {
    const { key, text } = newApiKey({ name: 'local', scopes: ['admin'] }, new Date());
    const put = async (aside: string): Promise<void> => {
      // In the database first: a file without its key would be made again, a key without its file is of no use.
      await this.store.insertLocal(key);
      await rename(aside, this.file);
    };
    try {
      await placeWhole(this.file, (made) => writeFile(made, headerLine(text), { flag: 'wx', mode: 0o600 }), { put });
    } catch (cause) {
      if (cause instanceof TimbreError) throw cause;
      throw this.unavailable('made', cause);
    }
    this.logger.log({ key: key.id, file: this.file, msg: `the local key ${key.id} was made` });
  }

  private unavailable(what: string, cause: unknown): TimbreError {
    const { message } = cause as Error;
    return new TimbreError('STORAGE_UNAVAILABLE', `the local key cannot be ${what}: ${message}`, { cause });
  }
}

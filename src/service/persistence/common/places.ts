import { join, resolve } from 'node:path';
import type { KeyProvider } from '../../data-keys/key-provider.js';
import { FileKeyProvider, VariableKeyProvider } from './data-key.js';

/** Where what lies beside the database is. */
export interface Places {
  /** Holds the key unless that lies elsewhere. */
  folder: string;
  /** The data key, 32 bytes in base64 or hexadecimal, with older ones after it. Default: from `keyFile`. */
  key?: string | undefined;
  /** Default: `data.key` in the folder, made at the first start. */
  keyFile?: string | undefined;
  /** Tells a database that was put back. Default: a file beside the key's. */
  epochFile?: string | undefined;
}

/** Where the data key comes from. */
export function keyProviderOf({ folder, key, keyFile }: Places): KeyProvider {
  return key === undefined
    ? new FileKeyProvider(resolve(keyFile ?? join(folder, 'data.key')))
    : new VariableKeyProvider(key);
}

/** Where it is kept how far the database has come. */
export function epochFileOf({ folder, keyFile, epochFile }: Places): string {
  return resolve(epochFile ?? `${keyFile ?? join(folder, 'data.key')}.epoch`);
}

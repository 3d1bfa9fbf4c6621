import type { KeyStore } from '../access/key-store.js';
import type { Config } from '../config/config.js';
import type { DataReport, ExamineOptions } from './common/examine.js';
import type { RotationProgress } from './common/key-rotation.js';
import { withDriver } from './with-driver.js';

/** What the command line does with a database itself. Errors of every call: those of the storage. */
export interface Data {
  /** Makes the database where there is none. */
  keysOrMake(): Promise<KeyStore>;

  /** Null where there is no database with keys. */
  keysIfThere(): Promise<KeyStore | null>;

  acknowledgeRestore(): Promise<void>;

  examine(options: ExamineOptions): Promise<DataReport>;

  /** Gives how many vectors there are. */
  rotate(progress: RotationProgress): Promise<number>;

  /** Gives the bytes of the copy. */
  backUp(to: string): Promise<number>;
}

/** Of the database that the settings name; of the other one no package has to be there. */
export async function dataOf(config: Config): Promise<Data> {
  if (config.databaseUrl !== '') return (await withDriver(() => import('./postgres/data.js'))).postgresData(config);
  return (await import('./sqlite/data.js')).sqliteData(config);
}

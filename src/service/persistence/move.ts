import type { Config } from '../config/config.js';
import { moveData, type MoveOptions, type MoveReport, type MoveTarget, type OpenSource } from './common/move.js';
import { withDriver } from './with-driver.js';

/** Between the SQLite file of the data folder and the PostgreSQL that the settings name. */
export type MoveDirection = 'to PostgreSQL' | 'to SQLite';

/**
 * Moves everything that a service has stored from the one database of the settings to the other; the data folder stays, with key,
 * epoch file and uploads. Errors: as of `moveData`, and those of the storage; which of the two databases it is, it says.
 */
export async function move(config: Config, direction: MoveDirection, options: MoveOptions = {}): Promise<MoveReport> {
  const { dataDir, dataKey, dataKeyFile, epochFile } = config;
  const places = { folder: dataDir, key: dataKey || undefined, keyFile: dataKeyFile, epochFile };
  const files = await import('./sqlite/move-ends.js');
  const schemas = await withDriver(() => import('./postgres/move-ends.js'));
  const { postgresOptionsOf } = await withDriver(() => import('./postgres/open.js'));
  const server = postgresOptionsOf(config);
  const [openSource, openTarget] =
    direction === 'to PostgreSQL'
      ? [() => files.openSqliteSource(places), () => schemas.openPostgresTarget(server)]
      : [() => schemas.openPostgresSource(server), () => files.openSqliteTarget(places)];
  const opened: OpenSource = await openSource();
  try {
    const target: MoveTarget = await openTarget();
    try {
      const { report, head } = await moveData(opened.source, target, opened, options);
      // A service that starts on the source is told by it, too; it is written after the commit, as ever.
      if (!report.alreadyMoved) await opened.epoch.write(head);
      return report;
    } finally {
      await target.close();
    }
  } finally {
    await opened.source.close();
  }
}

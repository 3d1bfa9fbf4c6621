import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { TimbreError } from '../../src/errors/timbre-error.js';
import { CalibrationsService } from '../../src/service/calibrations/calibrations.service.js';
import { Config } from '../../src/service/config/config.js';
import { TableChangeFeed } from '../../src/service/persistence/common/changes.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import type { Store } from '../../src/service/persistence/common/store.js';
import type { UnitOfWork } from '../../src/service/records/unit-of-work.js';
import { actAs } from '../../src/support/actor.js';
import { until } from '../e2e/support.js';
import { HandClock } from './hand-clock.js';
import { calibrationFile } from './saved-calibrations.js';
import { ScriptedEngine } from './scripted-engine.js';
import { closeStore, maintenanceOf, openStore } from './stores.js';
import { temporaryFolder } from './voices.js';

// Failures that are provoked are told to nobody.
Logger.overrideLogger(false);

/** A node: a service with an engine of its own. */
interface Node {
  service: CalibrationsService;
  engine: ScriptedEngine;
}

let folder: string;
let remove: () => Promise<void>;
let database: Store;
let nodes: Node[];

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
  database = await openStore(folder);
  nodes = [];
});

afterEach(async () => {
  for (const { service } of nodes) await service.onModuleDestroy();
  await closeStore(database);
  await remove();
});

/** One that has started. */
async function node(store: UnitOfWork = new TypeOrmUnitOfWork(database)): Promise<Node> {
  const engine = new ScriptedEngine();
  const feed = new TableChangeFeed(database, true);
  const config = Config.of({ dataDir: folder });
  const service = new CalibrationsService(store, engine, feed, maintenanceOf(database), new HandClock(), config);
  const one = { service, engine };
  nodes.push(one);
  service.onModuleInit();
  service.onApplicationBootstrap();
  await engine.ready();
  return one;
}

const given = (cosine: number, use = true): Parameters<CalibrationsService['save']>[0] => ({
  calibration: calibrationFile(new ScriptedEngine().model, cosine),
  from: 'file',
  use,
});

const thresholds = ({ engine }: Node): (number | null)[] =>
  [engine.scorer(), engine.voiceScorer()].map(({ rules }) => rules.thresholds[0]!.cosine);

describe('calibrations of several nodes', () => {
  it('decide on each of them, whichever has put one to use, also on one that comes later', async () => {
    const [one, other] = [await node(), await node()];
    expect([thresholds(one), thresholds(other)]).toEqual([
      [0.4, 0.4],
      [0.4, 0.4],
    ]);
    const { version } = await one.service.save(given(0.7));
    // Here with the call.
    expect([thresholds(one), one.service.answers]).toEqual([[0.7, 0.7], { from: 'saved', version }]);
    await until(() => other.engine.calibration().version === version);
    expect(thresholds(other)).toEqual([0.7, 0.7]);
    const late = await node();
    expect(thresholds(late)).toEqual([0.7, 0.7]);
    const second = await other.service.save(given(0.2, false));
    await other.service.use(second.version);
    await until(() => [one, late].every(({ engine }) => engine.calibration().version === second.version));
    await late.service.useNone();
    expect(thresholds(late)).toEqual([0.4, 0.4]);
    await until(() => [one, other].every(({ engine }) => engine.calibration().from === 'model'));
    expect(thresholds(one)).toEqual([0.4, 0.4]);
  });

  it('are read again where the database did not answer when the model was loaded', async () => {
    const { version } = await (await node()).service.save(given(0.7));
    const store = new TypeOrmUnitOfWork(database);
    const read = store.read.bind(store);
    let failures = 2;
    store.read = (work) => {
      if (failures-- > 0) return Promise.reject(new TimbreError('STORAGE_UNAVAILABLE', 'nobody there'));
      return read(work);
    };
    const late = await node(store);
    await until(() => late.engine.calibration().version === version);
    expect(thresholds(late)).toEqual([0.7, 0.7]);
  });
});

it('A scorer that was given before another calibration is put to use stays what it was.', async () => {
  const { service, engine } = await node();
  const [before, voices] = [engine.scorer(), engine.voiceScorer()];
  await service.save(given(0.7));
  expect([before, voices].map(({ rules }) => rules.thresholds[0]!.cosine)).toEqual([0.4, 0.4]);
});

it('Who saved a calibration is noted with it.', async () => {
  const { service } = await node();
  const saved = await actAs({ by: '0123456789ab', requestId: null }, () => service.save(given(0.7, false)));
  expect(saved).toMatchObject({ by: '0123456789ab', inUse: false, usedAt: null, version: 1 });
});

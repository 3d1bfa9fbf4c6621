import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import type { EncoderInfo } from '../../addon/types.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { parseCalibrationFile, type CalibrationFile, type ModelCalibration } from '../../scoring/model-calibration.js';
import { currentActor } from '../../support/actor.js';
import { Clock } from '../../support/clock.js';
import { plainText } from '../../support/plain-text.js';
import { Config } from '../config/config.js';
import { SETTINGS } from '../config/settings.js';
import { keepTrying } from '../engine/background.js';
import { EmbeddingEngine, type AnsweringCalibration } from '../engine/embedding-engine.js';
import { Places } from '../http/pages.js';
import { toTimbreError } from '../http/to-timbre-error.js';
import {
  calibrationNotFound,
  LONGEST_CALIBRATION_NOTE,
  MOST_CALIBRATIONS,
  type CalibrationOrigin,
  type SavedCalibration,
} from '../records/calibration.js';
import { ChangeFeed } from '../records/change-feed.js';
import { Maintenance } from '../records/maintenance.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';

const LIST = new Places<[version: number]>('calibrations', ['number']);

/** A calibration that is to be saved. */
export interface GivenCalibration {
  /** As `timbre calibrate` writes it. */
  calibration: unknown;
  note?: string | null | undefined;
  from: CalibrationOrigin;
  /** Puts it to use at once. */
  use: boolean;
}

export interface CalibrationPage {
  calibrations: SavedCalibration[];
  nextCursor: string | null;
}

/**
 * Calibrations that are saved as versions. The one in use for the loaded model decides on every node, from the moment that it is
 * put to use: here with the call, on the others by the change feed. One that cannot be used is set aside, and the model's own
 * decides. Where TIMBRE_CALIBRATION names a file, that decides, and none is put to use.
 */
@Injectable()
export class CalibrationsService implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Calibration');
  private readonly stopping = new AbortController();
  /** What is loaded; undefined before. */
  private model: EncoderInfo | undefined;
  /** The version in use that cannot be used; null where none is. */
  private aside: number | null = null;
  /** One after the other: each reads what is in use when those before are done. */
  private applying: Promise<void> = Promise.resolve();
  private catchingUp: Promise<void> | undefined;
  private running: Promise<void> | undefined;

  constructor(
    private readonly store: UnitOfWork,
    private readonly engine: EmbeddingEngine,
    private readonly feed: ChangeFeed,
    private readonly maintenance: Maintenance,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    if (this.fixedBy !== null) return;
    this.engine.onLoaded(async (info) => {
      this.model = info;
      await this.settle();
    });
  }

  onApplicationBootstrap(): void {
    if (this.feed.shared && this.fixedBy === null) this.running = this.run();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await Promise.all([this.running, this.catchingUp]);
  }

  /** The setting that names what decides, whatever is saved; null where none does. */
  get fixedBy(): string | null {
    return this.config.calibrationFile === '' ? null : SETTINGS.calibrationFile.env;
  }

  /** What decides; null until the model is loaded. */
  get answers(): AnsweringCalibration | null {
    return this.engine.state.status === 'ready' ? this.engine.calibration() : null;
  }

  /** The version that is in use for the loaded model and cannot be used; null where there is none. */
  get setAside(): number | null {
    return this.aside;
  }

  /** Newest first. Errors: INVALID_ARGUMENT for a cursor of nobody's; those of the storage. */
  async page(limit: number, cursor: string | undefined): Promise<CalibrationPage> {
    const [before] = LIST.decode(cursor) ?? [null];
    const found = await this.store.read(({ calibrations }) => calibrations.page(before, limit + 1));
    const { rows, nextCursor } = LIST.page(found, limit, ({ version }) => [version]);
    return { calibrations: rows, nextCursor };
  }

  /** Errors: CALIBRATION_NOT_FOUND, those of the storage. */
  get(version: number): Promise<SavedCalibration> {
    return this.store.read((records) => find(records, version));
  }

  /**
   * Errors: INVALID_ARGUMENT for what is no calibration, cannot decide at the service's rate or, to be used, at that of a watch
   * list, or is one too many; MODEL_MISMATCH for another model's;
   * CALIBRATION_FIXED where it is to be used and a setting decides; MODEL_NOT_READY, ENGINE_CLOSED; those of the storage.
   */
  async save({ calibration, note, from, use }: GivenCalibration): Promise<SavedCalibration> {
    if (use) this.requireChoice();
    const info = this.engine.info();
    const { file, parsed: decides } = this.require(calibration, 'the request', info);
    const given = {
      model: info.model,
      from,
      note: note == null ? null : plainText('the note', note, LONGEST_CALIBRATION_NOTE),
      by: currentActor().by,
      createdAt: this.clock.now(),
      file,
    };
    const saved = await this.store.transaction(async (records) => {
      const { calibrations, audit } = records;
      if ((await calibrations.count()) >= MOST_CALIBRATIONS) throw tooMany(await calibrations.oldestUnused());
      const added = await calibrations.insert(given);
      await audit.record({ action: 'calibration.saved', object: String(added.version) });
      return use ? this.putToUse(records, added, decides) : added;
    });
    if (use) await this.settle();
    return saved;
  }

  /**
   * Errors: CALIBRATION_NOT_FOUND; CALIBRATION_FIXED where a setting decides; MODEL_MISMATCH for another model's; INVALID_ARGUMENT
   * where it cannot decide at the service's rate, or at that of a watch list; STORAGE_INVALID where it is not as it was saved; MODEL_NOT_READY,
   * ENGINE_CLOSED; those of the storage.
   */
  async use(version: number): Promise<SavedCalibration> {
    this.requireChoice();
    const info = this.engine.info();
    const used = await this.store.transaction(async (records) => {
      const saved = await find(records, version);
      const { parsed: decides } = this.require(readable(saved), `version ${version}`, info);
      return saved.inUse ? saved : this.putToUse(records, saved, decides);
    });
    await this.settle();
    return used;
  }

  /**
   * The model's own decides again; `model`: of another than the one that is loaded. Errors: CALIBRATION_FIXED where a setting
   * decides; MODEL_NOT_READY, ENGINE_CLOSED; those of the storage.
   */
  async useNone(model?: string): Promise<void> {
    this.requireChoice();
    const of = model ?? this.engine.info().model;
    await this.store.transaction(async ({ calibrations, audit }) => {
      const before = await calibrations.inUse(of);
      if (!before) return;
      await calibrations.useNone(of);
      await audit.record({ action: 'calibration.ended', object: String(before.version) });
    });
    await this.settle();
  }

  /** Errors: CALIBRATION_NOT_FOUND, CALIBRATION_IN_USE, those of the storage. */
  async remove(version: number): Promise<void> {
    await this.store.transaction(async (records) => {
      const { inUse, model } = await find(records, version);
      if (inUse) {
        throw new TimbreError(
          'CALIBRATION_IN_USE',
          `version ${version} is in use for ${model}; put another to use, or the model's own, first`,
        );
      }
      await records.calibrations.delete(version);
      await records.audit.record({ action: 'calibration.removed', object: String(version) });
    });
    await this.maintenance.wipeSoon();
  }

  /** Brings the engine to what is in use now. Errors: those of the storage. */
  private apply(): Promise<void> {
    const turn = this.applying.then(() => this.applyNow());
    this.applying = turn.catch(() => undefined);
    return turn;
  }

  private async applyNow(): Promise<void> {
    const { model: info } = this;
    // Whatever is in use when it is loaded is read then.
    if (!info || this.stopping.signal.aborted) return;
    const saved = await this.store.read(({ calibrations }) => calibrations.inUse(info.model));
    try {
      this.engine.calibrate(
        saved && { version: saved.version, calibration: parsed(readable(saved), saved.version, info) },
      );
      this.aside = null;
    } catch (thrown) {
      const { message } = toTimbreError(thrown);
      this.engine.calibrate(null);
      this.aside = saved?.version ?? null;
      this.logger.error(`the calibration in use is set aside, and the model's own decides: ${message}`);
    }
  }

  /** `apply`, and where the storage does not answer, again and again beside everything else. */
  private async settle(): Promise<void> {
    try {
      await this.apply();
    } catch {
      this.catchingUp ??= keepTrying(
        this.stopping.signal,
        async () => {
          await this.apply();
          return false;
        },
        ({ message }, seconds) =>
          this.logger.warn(`which calibration is in use is not known (${message}); looking again in ${seconds} s`),
      ).finally(() => (this.catchingUp = undefined));
    }
  }

  /** Follows what other nodes put to use. */
  private run(): Promise<void> {
    return this.feed.follow(
      {
        begin: () => this.apply(),
        take: async (changes) => {
          if (changes.some(({ kind }) => kind === 'calibration')) await this.apply();
        },
        waits: (error) => this.logger.warn({ err: error, msg: 'what other nodes put to use waits for the database' }),
      },
      this.stopping.signal,
    );
  }

  /** Errors: INVALID_ARGUMENT where a watch list could not be decided by it. */
  private async putToUse(
    { calibrations, groups, audit }: VoiceRecords,
    saved: SavedCalibration,
    decides: ModelCalibration,
  ): Promise<SavedCalibration> {
    for (const { id, watchRate } of await groups.watched()) {
      try {
        this.engine.checkCalibration(decides, watchRate);
      } catch (error) {
        if (!(error instanceof TimbreError) || error.code !== 'INVALID_ARGUMENT') throw error;
        const list = `the watch list ${JSON.stringify(id)} reports at a rate that it cannot decide at`;
        throw new TimbreError('INVALID_ARGUMENT', `${list}: ${error.message}; change its rate, or end it, first`);
      }
    }
    const usedAt = this.clock.now();
    await calibrations.use(saved, usedAt);
    await audit.record({ action: 'calibration.used', object: String(saved.version) });
    return { ...saved, inUse: true, usedAt };
  }

  /**
   * What is to be saved or used. Errors: INVALID_ARGUMENT where it is no calibration or cannot decide here;
   * MODEL_MISMATCH; MODEL_NOT_READY, ENGINE_CLOSED.
   */
  private require(content: unknown, where: string, info: EncoderInfo): ReturnType<typeof parseCalibrationFile> {
    try {
      const read = parseCalibrationFile(content, where, info);
      this.engine.checkCalibration(read.parsed);
      return read;
    } catch (error) {
      // The bundle is in order: what the caller gave is not.
      if (!(error instanceof TimbreError) || error.code !== 'MODEL_INVALID') throw error;
      throw new TimbreError('INVALID_ARGUMENT', error.message, { cause: error });
    }
  }

  private requireChoice(): void {
    const { fixedBy } = this;
    if (fixedBy === null) return;
    throw new TimbreError(
      'CALIBRATION_FIXED',
      `${fixedBy} names the calibration that decides; start the service without it to use saved ones`,
    );
  }
}

async function find({ calibrations }: VoiceRecords, version: number): Promise<SavedCalibration> {
  const found = await calibrations.find(version);
  if (!found) throw calibrationNotFound(version);
  return found;
}

function parsed(file: CalibrationFile, version: number, info: EncoderInfo): ModelCalibration {
  return parseCalibrationFile(file, `version ${version}`, info).parsed;
}

/** Errors: STORAGE_INVALID. */
function readable({ version, file }: SavedCalibration): CalibrationFile {
  if (file) return file;
  const why = 'it was changed, put back or damaged in the database';
  throw new TimbreError('STORAGE_INVALID', `the saved calibration ${version} cannot be read: ${why}`);
}

function tooMany(oldest: number | null): TimbreError {
  const such = oldest === null ? '' : `, such as version ${oldest}, the oldest that is not and was not last in use`;
  return new TimbreError('INVALID_ARGUMENT', `${MOST_CALIBRATIONS} calibrations are saved; remove one first${such}`);
}

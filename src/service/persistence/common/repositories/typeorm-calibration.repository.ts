import { randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { CalibrationRepository, type NewCalibration, type SavedCalibration } from '../../../records/calibration.js';
import { CALIBRATIONS_OWNER } from '../bound-records.js';
import { appendChange } from '../changes.js';
import { ask } from '../dialect.js';
import { CalibrationEntity, type CalibrationRow } from '../entities/calibration.entity.js';
import { SettingEntity } from '../entities/setting.entity.js';
import { toCalibration, toCalibrationRow } from '../mappers/calibration.mapper.js';
import type { Register } from '../register.js';
import { findRow, findRows, insertRows, selection, updateRows } from '../rows.js';
import { leaveTraces } from '../traces.js';
import type { VectorCipher } from '../vector-cipher.js';

/** Name of the setting with the last version that was given. */
const LAST_VERSION = 'last calibration';

export class TypeOrmCalibrationRepository extends CalibrationRepository {
  constructor(
    private readonly manager: EntityManager,
    private readonly cipher: VectorCipher,
    private readonly register: Register,
  ) {
    super();
  }

  async insert(calibration: NewCalibration): Promise<SavedCalibration> {
    const version = await this.nextVersion();
    const saved = { ...calibration, id: randomUUID(), version, inUse: false, usedAt: null };
    const row = toCalibrationRow(saved, this.cipher);
    await insertRows(this.manager, CalibrationEntity, [row]);
    this.register.bind(this.manager, 'calibration', [row]);
    return saved;
  }

  async page(before: number | null, limit: number): Promise<SavedCalibration[]> {
    const { columns, row } = selection(this.manager, CalibrationEntity, 'c');
    const found = await ask<Record<string, unknown>>(
      this.manager,
      `SELECT ${columns} FROM calibrations c ${before === null ? '' : 'WHERE c.version < ?'}
       ORDER BY c.version DESC LIMIT ?`,
      [...(before === null ? [] : [before]), limit],
    );
    return this.toCalibrations(found.map(row));
  }

  async find(version: number): Promise<SavedCalibration | null> {
    const rows = await findRows(this.manager, CalibrationEntity, { version }, { limit: 1 });
    return (await this.toCalibrations(rows))[0] ?? null;
  }

  async inUse(model: string): Promise<SavedCalibration | null> {
    const rows = await findRows(this.manager, CalibrationEntity, { model, inUse: true }, { limit: 1 });
    return (await this.toCalibrations(rows))[0] ?? null;
  }

  async count(): Promise<number> {
    const [row] = await ask<{ count: number }>(this.manager, 'SELECT COUNT(*) AS count FROM calibrations');
    return row?.count ?? 0;
  }

  async oldestUnused(): Promise<number | null> {
    const [row] = await ask<{ version: number | null }>(
      this.manager,
      `SELECT MIN(c.version) AS version FROM calibrations c
       WHERE NOT c.in_use AND (c.used_at IS NULL OR c.used_at <
         (SELECT MAX(o.used_at) FROM calibrations o WHERE o.model = c.model AND NOT o.in_use))`,
    );
    return row?.version ?? null;
  }

  async use({ version, model }: SavedCalibration, at: Date): Promise<void> {
    await this.useNone(model);
    const rows = await findRows(this.manager, CalibrationEntity, { version }, { limit: 1 });
    await this.register.require(this.manager, 'calibration', rows);
    for (const row of rows) await this.change(row, { inUse: true, usedAt: at.getTime() });
  }

  async useNone(model: string): Promise<void> {
    const rows = await findRows(this.manager, CalibrationEntity, { model, inUse: true });
    const known = await this.register.check(this.manager, 'calibration', rows);
    for (const [i, row] of rows.entries()) {
      if (known[i]) await this.change(row, { inUse: false });
      // Nobody vouches for one that is not as it was written.
      else await this.update(row, { inUse: false });
    }
  }

  async delete(version: number): Promise<boolean> {
    const row = await findRow(this.manager, CalibrationEntity, { version });
    if (!row) return false;
    await this.manager.delete(CalibrationEntity, { id: row.id });
    // A leaf without entries would be counted as an owner's.
    if ((await this.count()) === 0) this.register.releaseAll(this.manager, CALIBRATIONS_OWNER);
    else this.register.release(this.manager, 'calibration', CALIBRATIONS_OWNER, [String(version)]);
    await leaveTraces(this.manager);
    return true;
  }

  private async change(row: CalibrationRow, changes: Partial<CalibrationRow>): Promise<void> {
    await this.update(row, changes);
    this.register.bind(this.manager, 'calibration', [{ ...row, ...changes }]);
  }

  /** Whoever follows learns of it: another one may answer now. */
  private async update({ id }: CalibrationRow, changes: Partial<CalibrationRow>): Promise<void> {
    await updateRows(this.manager, CalibrationEntity, { id }, changes);
    await appendChange(this.manager, 'calibration', id);
  }

  /** Above all that are there, whatever the setting says: the register does not vouch for settings. */
  private async nextVersion(): Promise<number> {
    const [row] = await ask<{ last: number | null }>(this.manager, 'SELECT MAX(version) AS last FROM calibrations');
    const setting = await findRow(this.manager, SettingEntity, { name: LAST_VERSION });
    const given = Number(setting?.value.toString() ?? 0);
    const version = Math.max(row?.last ?? 0, Number.isSafeInteger(given) ? given : 0) + 1;
    const value = Buffer.from(String(version));
    await insertRows(this.manager, SettingEntity, [{ name: LAST_VERSION, value }], { replace: ['name'] });
    return version;
  }

  private async toCalibrations(rows: readonly CalibrationRow[]): Promise<SavedCalibration[]> {
    const known = await this.register.check(this.manager, 'calibration', rows);
    return rows.map((row, i) => toCalibration(row, known[i]!, this.cipher));
  }
}

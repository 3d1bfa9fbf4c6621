import { randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import type { Consent, RecordedConsent } from '../../../records/consent.js';
import { ConsentRepository, type ConsentPlace } from '../../../records/consent.repository.js';
import { affect } from '../dialect.js';
import { ConsentEntity, type ConsentRow } from '../entities/consent.entity.js';
import type { Register } from '../register.js';
import { findRows, insertRows } from '../rows.js';

export class TypeOrmConsentRepository extends ConsentRepository {
  constructor(
    private readonly manager: EntityManager,
    private readonly register: Register,
  ) {
    super();
  }

  async add(speakerId: string, { givenAt, recordedAt, ...rest }: Consent): Promise<void> {
    const times = { givenAt: givenAt.getTime(), recordedAt: recordedAt.getTime(), withdrawnAt: null };
    const row = { id: randomUUID(), speakerId, ...rest, ...times };
    await insertRows(this.manager, ConsentEntity, [row]);
    this.register.bind(this.manager, 'consent', [row]);
  }

  async withdraw(speakerId: string, at: Date): Promise<void> {
    const all = await findRows(this.manager, ConsentEntity, { speakerId });
    const known = await this.register.check(this.manager, 'consent', all);
    // What is not as it was written is not vouched for by this either.
    const standing = all.filter((row, i) => known[i] && row.withdrawnAt === null);
    const withdrawnAt = at.getTime();
    await affect(this.manager, 'UPDATE consents SET withdrawn_at = ? WHERE speaker_id = ? AND withdrawn_at IS NULL', [
      withdrawnAt,
      speakerId,
    ]);
    if (standing.length === 0) return;
    this.register.bind(
      this.manager,
      'consent',
      standing.map((row) => ({ ...row, withdrawnAt })),
    );
  }

  async page(speakerId: string, after: ConsentPlace | null, limit: number): Promise<RecordedConsent[]> {
    const query = this.manager
      .createQueryBuilder(ConsentEntity, 'consent')
      .where('consent.speakerId = :speakerId', { speakerId })
      .orderBy('consent.recordedAt')
      .addOrderBy('consent.id')
      .limit(limit);
    if (after) query.andWhere('(consent.recordedAt, consent.id) > (:at, :id)', { at: after[0], id: after[1] });
    const rows = await query.getMany();
    const known = await this.register.check(this.manager, 'consent', rows);
    return rows.map((row, i) => toRecordedConsent(row, known[i]!));
  }
}

/** One that is not as it was written counts as withdrawn from the beginning. */
function toRecordedConsent({ id, givenBy, method, textVersion, ...row }: ConsentRow, known: boolean): RecordedConsent {
  const withdrawnAt = known ? row.withdrawnAt : row.recordedAt;
  return {
    id,
    givenBy,
    method,
    textVersion,
    givenAt: new Date(row.givenAt),
    recordedAt: new Date(row.recordedAt),
    withdrawnAt: withdrawnAt === null ? null : new Date(withdrawnAt),
  };
}

import { randomUUID } from 'node:crypto';
import { IsNull, type EntityManager } from 'typeorm';
import type { Consent, RecordedConsent } from '../../../records/consent.js';
import { ConsentRepository, type ConsentPlace } from '../../../records/consent.repository.js';
import { ConsentEntity, type ConsentRow } from '../entities/consent.entity.js';
import { insertRows } from '../rows.js';

export class TypeOrmConsentRepository extends ConsentRepository {
  constructor(private readonly manager: EntityManager) {
    super();
  }

  async add(speakerId: string, { givenAt, recordedAt, ...rest }: Consent): Promise<void> {
    const times = { givenAt: givenAt.getTime(), recordedAt: recordedAt.getTime(), withdrawnAt: null };
    await insertRows(this.manager, ConsentEntity, [{ id: randomUUID(), speakerId, ...rest, ...times }]);
  }

  async withdraw(speakerId: string, at: Date): Promise<void> {
    const standing = { speakerId, withdrawnAt: IsNull() };
    await this.manager.update(ConsentEntity, standing, { withdrawnAt: at.getTime() });
  }

  async page(speakerId: string, after: ConsentPlace | null, limit: number): Promise<RecordedConsent[]> {
    const query = this.manager
      .createQueryBuilder(ConsentEntity, 'consent')
      .where('consent.speakerId = :speakerId', { speakerId })
      .orderBy('consent.recordedAt')
      .addOrderBy('consent.id')
      .limit(limit);
    if (after) query.andWhere('(consent.recordedAt, consent.id) > (:at, :id)', { at: after[0], id: after[1] });
    return (await query.getMany()).map(toRecordedConsent);
  }
}

function toRecordedConsent({ id, givenBy, method, textVersion, ...row }: ConsentRow): RecordedConsent {
  return {
    id,
    givenBy,
    method,
    textVersion,
    givenAt: new Date(row.givenAt),
    recordedAt: new Date(row.recordedAt),
    withdrawnAt: row.withdrawnAt === null ? null : new Date(row.withdrawnAt),
  };
}

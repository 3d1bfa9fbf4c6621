import { Injectable } from '@nestjs/common';
import { TimbreError } from '../../errors/timbre-error.js';
import { Places } from '../http/pages.js';
import { speakerNotFound } from '../records/speaker.js';
import { inOrderOfTime, type AuditPlace } from '../records/audit.repository.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import type { AuditEntry } from '../records/audit-entry.js';
import type { AuditQuery } from './audit.dto.js';
import { AuditTrail } from './audit-trail.js';

const PLACES = new Places<AuditPlace>('audit', ['number', 'number']);
const PLACES_IN_TIME = new Places<AuditPlace>('audit in time', ['number', 'number']);

export interface AuditPage {
  /** Oldest first, each with the id of its speaker while there is one. */
  entries: { entry: AuditEntry; speakerId: string | null }[];
  nextCursor: string | null;
}

@Injectable()
export class AuditService {
  constructor(
    private readonly store: UnitOfWork,
    private readonly trail: AuditTrail,
  ) {}

  /** Errors: SPEAKER_NOT_FOUND, INVALID_ARGUMENT for a speaker and a subject at once, those of the storage. */
  async page({ speaker: id, subject, from, to, limit, cursor }: AuditQuery): Promise<AuditPage> {
    if (id !== undefined && subject !== undefined) {
      throw new TimbreError('INVALID_ARGUMENT', 'give a speaker or a subject, not both');
    }
    // What waits because the database takes nothing does not keep anybody from reading the rest.
    await this.trail.flush().catch(() => undefined);
    return this.store.read(async ({ speakers, audit }) => {
      const speaker = id === undefined ? undefined : await speakers.find(id);
      if (speaker === null) throw speakerNotFound(id ?? '');
      const filter = {
        subject: speaker?.subject ?? subject,
        from: from === undefined ? undefined : new Date(from),
        to: to === undefined ? undefined : new Date(to),
      };
      const places = inOrderOfTime(filter) ? PLACES_IN_TIME : PLACES;
      // One more than asked for tells whether there is another page.
      const found = await audit.page(filter, places.decode(cursor), limit + 1);
      const { rows: shown, nextCursor } = places.page(found, limit, placeOf);
      const known = await speakers.bySubject(shown.flatMap((entry) => entry.subject ?? []));
      const ids = new Map(known.map((one) => [one.subject, one.id]));
      return {
        entries: shown.map((entry) => ({ entry, speakerId: ids.get(entry.subject ?? '') ?? null })),
        nextCursor,
      };
    });
  }
}

export function placeOf({ at, id }: AuditEntry): AuditPlace {
  return [at.getTime(), id];
}

import { Injectable } from '@nestjs/common';
import { TimbreError } from '../../errors/timbre-error.js';
import { readPages } from '../../support/read-pages.js';
import { Steps } from '../../support/steps.js';
import { Places } from '../http/pages.js';
import { boundTo } from '../records/bound.js';
import { speakerNotFound } from '../records/speaker.js';
import { inOrderOfTime, type AuditFilter, type AuditPlace } from '../records/audit.repository.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';
import type { AuditEntry } from '../records/audit-entry.js';
import type { AuditFilterQuery, AuditQuery } from './audit.dto.js';
import { AuditTrail } from './audit-trail.js';

/** Entries of an export in memory: a piece of them holds the JS thread for some milliseconds. */
const EXPORTED_AT_ONCE = 50;

/** The subject of nobody. */
const NOBODY = '';

const PLACES = new Places<AuditPlace>('audit', ['number', 'number']);
const PLACES_IN_TIME = new Places<AuditPlace>('audit in time', ['number', 'number']);

/** An entry with the id of its speaker, while there is one. */
export interface NamedEntry {
  entry: AuditEntry;
  speakerId: string | null;
}

export interface AuditPage {
  /** Oldest first. */
  entries: NamedEntry[];
  nextCursor: string | null;
}

@Injectable()
export class AuditService {
  constructor(
    private readonly store: UnitOfWork,
    private readonly trail: AuditTrail,
  ) {}

  /**
   * Errors: SPEAKER_NOT_FOUND, INVALID_ARGUMENT for a speaker and a subject at once, FORBIDDEN_GROUP for neither by who is bound to
   * groups, those of the storage.
   */
  async page({ limit, cursor, ...query }: AuditQuery): Promise<AuditPage> {
    await this.settle(query);
    return this.store.read(async (records) => {
      const filter = await filterOf(records, query);
      const places = inOrderOfTime(filter) ? PLACES_IN_TIME : PLACES;
      // One more than asked for tells whether there is another page.
      const found = await records.audit.page(filter, places.decode(cursor), limit + 1);
      const { rows, nextCursor } = places.page(found, limit, placeOf);
      return { entries: await withSpeakers(records, rows), nextCursor };
    });
  }

  /**
   * All of it as it is at one moment, page by page. Errors: as of `page`, OVERLOADED, those of the steps.
   */
  async *export(query: AuditFilterQuery, steps = new Steps()): AsyncGenerator<NamedEntry[]> {
    await this.settle(query);
    const snapshot = await this.store.snapshot();
    try {
      const filter = await snapshot.read((records) => filterOf(records, query));
      const pages = readPages<NamedEntry>(steps, EXPORTED_AT_ONCE, (after, limit) =>
        snapshot.read(async (records) => {
          return withSpeakers(records, await records.audit.page(filter, after && placeOf(after.entry), limit));
        }),
      );
      yield* pages;
    } finally {
      await snapshot.close();
    }
  }

  /** What waits because the database takes nothing does not keep anybody from reading the rest. */
  private async settle({ speaker, subject }: AuditFilterQuery): Promise<void> {
    if (speaker !== undefined && subject !== undefined) {
      throw new TimbreError('INVALID_ARGUMENT', 'give a speaker or a subject, not both');
    }
    if (boundTo() && speaker === undefined && subject === undefined) {
      throw new TimbreError(
        'FORBIDDEN_GROUP',
        'the API key is bound to groups: it reads what was done to one of their speakers, so say to whom (speaker)',
      );
    }
    await this.trail.flush().catch(() => undefined);
  }
}

/** Errors: SPEAKER_NOT_FOUND. */
async function filterOf(
  { speakers }: VoiceRecords,
  { speaker: id, subject, from, to }: AuditFilterQuery,
): Promise<AuditFilter> {
  const speaker = id === undefined ? undefined : await speakers.find(id);
  if (speaker === null) throw speakerNotFound(id ?? '');
  // Of somebody else there is nothing, as of nobody.
  const hidden = boundTo() && subject !== undefined && (await speakers.bySubject([subject])).length === 0;
  return {
    subject: hidden ? NOBODY : (speaker?.subject ?? subject),
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
  };
}

async function withSpeakers({ speakers }: VoiceRecords, entries: readonly AuditEntry[]): Promise<NamedEntry[]> {
  const ids = await speakers.idsBySubject(entries.flatMap(({ subject }) => subject ?? []));
  return entries.map((entry) => ({ entry, speakerId: ids.get(entry.subject ?? '') ?? null }));
}

export function placeOf({ at, id }: AuditEntry): AuditPlace {
  return [at.getTime(), id];
}

import { Injectable } from '@nestjs/common';
import type { AuditEntry } from '../records/audit-entry.js';
import type { AuditRepository } from '../records/audit.repository.js';
import { toAuditEntryView } from '../audit/audit.dto.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { placeOf } from '../audit/audit.service.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { ConsentPolicy } from '../consent/consent-policy.js';
import { toConsentView } from '../consent/consent.dto.js';
import { toEnrollmentView } from '../enrollments/enrollments.dto.js';
import type { Profile } from '../records/profile.js';
import { speakerNotFound, type Speaker } from '../records/speaker.js';
import { sameOrigin } from '../records/embedding.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import type { ExportView } from './export.dto.js';

const AUDIT_PAGE = 1000;

const NO_AUDIO = 'Recordings are embedded and then deleted; none is kept.';

/** Everything that is stored about one speaker. */
@Injectable()
export class ExportService {
  constructor(
    private readonly store: UnitOfWork,
    private readonly trail: AuditTrail,
    private readonly policy: ConsentPolicy,
  ) {}

  /** The export itself goes into the audit trail, and so into the export. Errors: SPEAKER_NOT_FOUND, OPTED_OUT for vectors, the storage's. */
  async export(speakerId: string, vectors: boolean): Promise<ExportView> {
    await this.trail.flush();
    return this.store.transaction(async ({ speakers, enrollments, profiles, jobs, audit }) => {
      const speaker = await speakers.find(speakerId);
      if (!speaker) throw speakerNotFound(speakerId);
      if (vectors && speaker.optedOutAt) throw optedOut();
      await audit.record({ action: 'speaker.exported', subject: speaker.subject });
      if (vectors) await audit.record({ action: 'vectors.exported', subject: speaker.subject });
      const known = await profiles.ofSpeaker(speakerId);
      const recordings = await enrollments.ofSpeaker(speakerId);
      return {
        format: 'timbre-subject-export/1',
        exportedAt: new Date().toISOString(),
        speaker: toExportedSpeaker(speaker),
        consent: toConsentView(speaker, this.policy.required),
        audio: { kept: false, note: NO_AUDIO },
        enrollments: recordings.map((enrollment) => ({
          ...toEnrollmentView(enrollment, known.find(({ origin }) => sameOrigin(origin, enrollment.origin)) ?? null),
          frontEnd: enrollment.origin.frontEnd,
          ...(vectors ? { embedding: Array.from(enrollment.embedding) } : {}),
        })),
        profiles: known.map((profile) => toExportedProfile(profile, vectors)),
        jobs: (await jobs.waitingOf(speakerId)).map(({ jobId, index, fileName, path, state }) => {
          return { jobId, index, filename: fileName, path, state };
        }),
        audit: (await entriesOf(audit, speaker.subject)).map((entry) => toAuditEntryView(entry, speakerId)),
      };
    });
  }
}

function optedOut(): TimbreError {
  return new TimbreError('OPTED_OUT', 'the speaker has opted out: nobody gets the vectors; export without them');
}

function toExportedSpeaker(speaker: Speaker): ExportView['speaker'] {
  const { id, subject, name, createdAt, updatedAt, version, lastUsedAt } = speaker;
  return {
    id,
    subject,
    name,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    version,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  };
}

function toExportedProfile(profile: Profile, vectors: boolean): ExportView['profiles'][number] {
  const { origin, status, speechSeconds, confidence, cohesion, updatedAt, centroid } = profile;
  return {
    ...origin,
    enrollmentStatus: status,
    speechLengthInSec: speechSeconds,
    confidence,
    cohesion,
    updatedAt: updatedAt.toISOString(),
    ...(vectors ? { embedding: centroid && Array.from(centroid) } : {}),
  };
}

async function entriesOf(audit: AuditRepository, subject: string): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for (;;) {
    const last = entries.at(-1);
    const page = await audit.page({ subject }, last ? placeOf(last) : null, AUDIT_PAGE);
    entries.push(...page);
    if (page.length < AUDIT_PAGE) return entries;
  }
}

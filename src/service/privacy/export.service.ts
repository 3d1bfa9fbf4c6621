import { Injectable } from '@nestjs/common';
import { TimbreError } from '../../errors/timbre-error.js';
import { readPages } from '../../support/read-pages.js';
import { Steps } from '../../support/steps.js';
import { toAuditEntryView } from '../audit/audit.dto.js';
import { placeOf } from '../audit/audit.service.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { Config } from '../config/config.js';
import { floorsOf } from '../config/floors.js';
import { ConsentPolicy } from '../consent/consent-policy.js';
import { toConsentView, toPastConsentView } from '../consent/consent.dto.js';
import { toEnrollmentView } from '../enrollments/enrollments.dto.js';
import { toJobItemView } from '../jobs/jobs.dto.js';
import type { AuditEntry } from '../records/audit-entry.js';
import type { RecordedConsent } from '../records/consent.js';
import { visibleGroups } from '../records/bound.js';
import { sameOrigin } from '../records/embedding.js';
import type { ConversationOfSpeaker } from '../records/conversation.js';
import type { OfSpeakerPlace } from '../records/conversation.repository.js';
import type { Enrollment, EnrollmentInfo } from '../records/enrollment.js';
import type { JobItem } from '../records/job.js';
import { toLedgerEntryView } from '../profiles/profiles.dto.js';
import { toKeptView } from '../recordings/recordings.dto.js';
import type { KeptRecording } from '../records/kept-recording.js';
import type { LedgerEntry } from '../records/ledger.js';
import type { Profile } from '../records/profile.js';
import { speakerNotFound, type Speaker } from '../records/speaker.js';
import { UnitOfWork, type Snapshot } from '../records/unit-of-work.js';
import type { UnknownVoice, VoiceShare } from '../records/unknown-voice.js';
import { requireSpeaker } from '../records/require-speaker.js';
import type { ExportView } from './export.dto.js';

/** Rows in memory at once: a piece of them holds the JS thread for some milliseconds. */
const PAGE = 50;
/** The same with their vectors, whose decryption holds the JS thread. */
const VECTORS = 10;

const NO_AUDIO = 'Recordings are embedded and then deleted; none is kept.';
const AUDIO = 'Audio of the recordings that are named in `recordings` is kept; each is given by its path.';

type Field = keyof ExportView;

interface ExportedVoice {
  voice: UnknownVoice;
  shares: VoiceShare[];
}

/** Everything that is stored about one speaker, as it is at one moment. */
@Injectable()
export class ExportService {
  constructor(
    private readonly store: UnitOfWork,
    private readonly trail: AuditTrail,
    private readonly policy: ConsentPolicy,
    private readonly config: Config,
  ) {}

  /**
   * The text of an `ExportView`, in pieces: no more than a page of it is in memory, and nobody waits for it. The export
   * itself goes into the audit trail first, and so into the export.
   * Errors: SPEAKER_NOT_FOUND, OPTED_OUT for vectors, OVERLOADED, those of the storage and of the steps.
   */
  async *export(speakerId: string, vectors: boolean, steps = new Steps()): AsyncGenerator<string> {
    await this.trail.flush();
    const subject = await this.record(speakerId, vectors);
    const snapshot = await this.store.snapshot();
    try {
      const speaker = await snapshot.read(({ speakers }) => speakers.find(speakerId));
      // Erased since, and perhaps somebody else by now.
      if (speaker?.subject !== subject) throw speakerNotFound(speakerId);
      yield* this.document(snapshot, speaker, vectors, steps);
    } finally {
      await snapshot.close();
    }
  }

  /** Errors: SPEAKER_NOT_FOUND, OPTED_OUT. */
  private record(speakerId: string, vectors: boolean): Promise<string> {
    return this.store.transaction(async ({ speakers, audit }) => {
      const speaker = await requireSpeaker({ speakers }, speakerId);
      if (vectors && speaker.optedOutAt) throw optedOut();
      const { subject } = speaker;
      await audit.record({ action: 'speaker.exported', subject });
      if (vectors) await audit.record({ action: 'vectors.exported', subject });
      return subject;
    });
  }

  private async *document(
    snapshot: Snapshot,
    speaker: Speaker,
    vectors: boolean,
    steps: Steps,
  ): AsyncGenerator<string> {
    const { id, subject } = speaker;
    const { update } = floorsOf(this.config);
    const known = await snapshot.read(({ profiles }) => profiles.ofSpeaker(id));
    const waiting = await snapshot.read((records) => records.waiting.ofSpeaker(id));
    const kept = await snapshot.read(({ recordings }) => recordings.contents(id));
    const enrolled = await snapshot.read(({ enrollments }) => enrollments.idsByContent(id));
    const head = {
      format: 'timbre-subject-export/5',
      exportedAt: new Date().toISOString(),
      speaker: toExportedSpeaker(speaker),
      consent: toConsentView(speaker, this.policy.required),
      audio: { kept: kept.size > 0, note: kept.size > 0 ? AUDIO : NO_AUDIO },
      profiles: known.map((profile) => toExportedProfile(profile, vectors)),
      waiting: waiting.map((one) => ({ id: one.id, createdAt: one.createdAt.toISOString(), model: one.origin.model })),
    } satisfies Partial<ExportView>;
    yield JSON.stringify(head).slice(0, -1);
    yield* list(
      'consents',
      readPages<RecordedConsent>(steps, PAGE, (after, limit) =>
        snapshot.read(({ consents }) => consents.page(id, after && [after.recordedAt.getTime(), after.id], limit)),
      ),
      toPastConsentView,
    );
    yield* list(
      'enrollments',
      readPages<EnrollmentInfo | Enrollment>(steps, vectors ? VECTORS : PAGE, (after, limit) =>
        snapshot.read(({ enrollments }) => {
          const place = after && ([after.createdAt.getTime(), after.id] as const);
          return vectors ? enrollments.withEmbeddings(id, place, limit) : enrollments.page(id, place, limit);
        }),
      ),
      (enrollment) => ({
        ...toEnrollmentView(
          enrollment,
          known.find(({ origin }) => sameOrigin(origin, enrollment.origin)) ?? null,
          update,
          kept.has(enrollment.contentSha256),
        ),
        frontEnd: enrollment.origin.frontEnd,
        ...('embedding' in enrollment ? { embedding: Array.from(enrollment.embedding) } : {}),
      }),
    );
    yield* list(
      'recordings',
      readPages<KeptRecording>(steps, PAGE, (after, limit) =>
        snapshot.read(({ recordings }) => recordings.page(id, after && [after.createdAt.getTime(), after.id], limit)),
      ),
      (one) => ({ ...toKeptView(one, this.config.recordingDays), path: pathOf(id, enrolled.get(one.contentSha256)) }),
    );
    yield* list(
      'ledger',
      readPages<LedgerEntry>(steps, PAGE, (after, limit) =>
        snapshot.read(({ ledger }) => ledger.page(id, after && [after.at.getTime(), after.id], limit)),
      ),
      // Who the others are is theirs.
      (entry) => toLedgerEntryView({ entry, other: null }),
    );
    yield* list(
      'jobs',
      readPages<JobItem>(steps, PAGE, (after, limit) => snapshot.read(({ jobs }) => jobs.ofSpeaker(id, after, limit))),
      (item) => ({ jobId: item.jobId, ...toJobItemView(item) }),
    );
    yield* list(
      'conversations',
      readPages<{ place: OfSpeakerPlace; conversation: ConversationOfSpeaker }>(steps, PAGE, (after, limit) =>
        snapshot.read(({ conversations }) => conversations.ofSpeaker(id, after && after.place, limit)),
      ),
      ({ conversation }) => toExportedConversation(conversation),
    );
    yield* list(
      'unknownVoices',
      readPages<ExportedVoice>(steps, PAGE, (after, limit) =>
        snapshot.read(async ({ unknownVoices }) => {
          const found = await unknownVoices.ofSpeaker(id, after && after.voice.id, limit);
          const told: ExportedVoice[] = [];
          for (const voice of found) told.push({ voice, shares: await unknownVoices.shares(voice.id) });
          return told;
        }),
      ),
      toExportedVoice,
    );
    yield* list(
      'audit',
      readPages<AuditEntry>(steps, PAGE, (after, limit) =>
        snapshot.read(({ audit }) => audit.page({ subject }, after && placeOf(after), limit)),
      ),
      (entry) => toAuditEntryView(entry, id),
    );
    yield '}';
  }
}

/** One more field of a document that has some: a list whose rows come in pages. */
async function* list<Row, Name extends Field>(
  name: Name,
  pages: AsyncGenerator<Row[]>,
  view: (row: Row) => ExportView[Name] extends (infer View)[] ? View : never,
): AsyncGenerator<string> {
  let separator = '';
  yield `,${JSON.stringify(name)}:[`;
  for await (const rows of pages) {
    yield separator + rows.map((row) => JSON.stringify(view(row))).join(',');
    separator = ',';
  }
  yield ']';
}

function optedOut(): TimbreError {
  return new TimbreError('OPTED_OUT', 'the speaker has opted out: nobody gets the vectors; export without them');
}

function toExportedSpeaker(speaker: Speaker): ExportView['speaker'] {
  const { id, subject, name, createdAt, updatedAt, version, groups, metadata, lastUsedAt, learning, frozenAt } =
    speaker;
  return {
    id,
    subject,
    name,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    version,
    groups: visibleGroups(groups).map((group) => group.id),
    metadata: { ...metadata },
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
    learning,
    frozenAt: frozenAt?.toISOString() ?? null,
  };
}

function toExportedVoice({ voice, shares }: ExportedVoice): ExportView['unknownVoices'][number] {
  const { id, createdAt, origin } = voice;
  return {
    id,
    createdAt: createdAt.toISOString(),
    model: origin.model,
    heard: shares.flatMap(({ conversationId, label, heardAt, ownSeconds, intervals }) => {
      if (conversationId === null) return [];
      return [{ conversationId, label, heardAt: heardAt.toISOString(), ownSeconds, intervals: [...intervals] }];
    }),
  };
}

function toExportedConversation(conversation: ConversationOfSpeaker): ExportView['conversations'][number] {
  const { id, state, createdAt, finishedAt, fileName, heard } = conversation;
  return {
    id,
    state,
    createdAt: createdAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
    filename: fileName,
    heard,
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

function pathOf(speakerId: string, enrollmentId: string | undefined): string | null {
  if (enrollmentId === undefined) return null;
  return `/v1/speakers/${encodeURIComponent(speakerId)}/enrollments/${enrollmentId}/audio`;
}

import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { AudioInput, AudioReport, EmbedOptions, EmbedResult } from '../../addon/types.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { bothOf } from '../../support/both-of.js';
import { requireConsent } from '../records/consent.js';
import { ConsentPolicy } from '../consent/consent-policy.js';
import { Config } from '../config/config.js';
import { conversationsOff } from '../records/conversation.js';
import { Places } from '../http/pages.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { Maintenance } from '../records/maintenance.js';
import { RecordingsService } from '../recordings/recordings.service.js';
import type { EnrolledAudio } from '../recordings/enrolled-audio.js';
import { keptOf, type NotKept } from '../records/kept-recording.js';
import { CurrentModel } from '../voices/current-model.js';
import { speakerNotFound, type Speaker } from '../records/speaker.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';
import { voicesIn } from '../records/voices-in-parts.js';
import { differentVoices } from '../records/channel-voices.js';
import type { Recording } from '../uploads/recording.js';
import { contentOf } from '../uploads/selection.js';
import { checkEmbedding, type EmbeddingOrigin } from '../records/embedding.js';
import { enrollmentNotFound, isLearned, type Enrollment, type EnrollmentInfo } from '../records/enrollment.js';
import type { EnrollmentPlace, HeardBefore } from '../records/enrollment.repository.js';
import { Duplicates, stillThere, type PossibleDuplicate } from './duplicates.js';
import { ProfileKeeper } from './profile-keeper.js';
import { requireRoom } from './require-room.js';
import { meanVoice, type ProfileState } from '../records/profile.js';
import type { Voice } from '../records/voice.js';
import { judge, measuresOf, type Measures } from '../records/recording-quality.js';
import { requireSpeaker } from '../records/require-speaker.js';

/** What came of one recording; `notKept`: why its audio is not kept, null where it is. */
export type Enrolled = EnrolledRecording | { recording: Recording; error: TimbreError };

interface EnrolledRecording {
  recording: Recording;
  enrollment: EnrollmentInfo;
  duplicate: boolean;
  audio: AudioReport | null;
  notKept: NotKept | null;
}

/** What else is to become durable with an enrolment, or not at all. */
export type AlongWith = (records: VoiceRecords, done: EnrolledVoice) => Promise<void>;

export interface EnrolOptions {
  /** Runs in the same transaction; what it throws undoes that. */
  alongWith?: AlongWith;
  /** Whether to look for somebody else who has the voice. */
  duplicates?: boolean;
  /** Whether a recording in which more than one voice speaks is refused; with intervals it always is. */
  oneVoice?: boolean;
}

/** The speaker after an enrolment, and what came of each recording. */
export type EnrolledVoice = Voice & { results: Enrolled[]; possibleDuplicate: PossibleDuplicate | null };

/** What an enrolment is made of, before it has a speaker. */
interface Heard {
  embedding: Float32Array;
  measures: Measures;
  /** What was found in the file; not where it was known already. */
  audio?: AudioReport;
}

const PLACES = new Places<EnrollmentPlace>('enrolments', ['number', 'string']);

/** People among whom one who is still there is looked for. */
const MOST_LIKE = 5;

@Injectable()
export class EnrollmentsService {
  constructor(
    private readonly store: UnitOfWork,
    private readonly engine: EmbeddingEngine,
    private readonly model: CurrentModel,
    private readonly keeper: ProfileKeeper,
    private readonly duplicates: Duplicates,
    private readonly maintenance: Maintenance,
    private readonly consent: ConsentPolicy,
    private readonly recordings: RecordingsService,
    private readonly trail: AuditTrail,
    private readonly config: Config,
  ) {}

  /**
   * Adds recordings to a speaker, in one transaction. A recording that cannot be embedded costs the others nothing; one
   * that the speaker has already stays as it is; one of low quality is stored with the reasons and does not count. One
   * whose channels hold different people is refused, unless `bounds` name a channel; with `bounds.intervals` there is one
   * recording, and it is refused where more than one voice speaks in these parts of it.
   * Where the speaker's audio is kept, it is sealed and on the disk before that.
   * Errors: SPEAKER_NOT_FOUND, also where the speaker is erased meanwhile and another has the id; OPTED_OUT and
   * CONSENT_REQUIRED before anything is heard, CONVERSATIONS_OFF and MODEL_NOT_READY where voices are to be told apart and
   * cannot be, INVALID_ARGUMENT for more recordings than a speaker may have, the first
   * recording's error where all fail, those of the model and of the storage, STORAGE_FULL also where there is no room for the audio.
   */
  async enrol(
    speakerId: string,
    uploads: readonly Recording[],
    bounds: EmbedOptions,
    options: EnrolOptions = {},
  ): Promise<EnrolledVoice> {
    // One channel of a file is another recording than the next.
    const recordings = uploads.map((one) => {
      const sha256 = contentOf(one.sha256, bounds);
      return { ...one, sha256, part: sha256 !== one.sha256 };
    });
    const kept = this.recordings.ofEnrolment(recordings);
    try {
      return await this.enrolKept(speakerId, recordings, bounds, kept, options);
    } finally {
      await kept.end();
    }
  }

  private async enrolKept(
    speakerId: string,
    recordings: readonly Recording[],
    bounds: EmbedOptions,
    kept: EnrolledAudio,
    { alongWith, duplicates = false, oneVoice = false }: EnrolOptions,
  ): Promise<EnrolledVoice> {
    const origin = this.model.origin();
    const { subject, known, keeps, keptBytes } = await this.recall(speakerId, recordings, origin);
    if (oneVoice || bounds.intervals) await this.admitConversation();
    for (let before = known; ; before = new Map()) {
      const heard = await this.listen(recordings, before, bounds, oneVoice);
      if (recordings.every(({ sha256 }) => heard.get(sha256) instanceof TimbreError))
        throw allFailed(recordings, heard);
      const good = [...heard].filter(([, outcome]) => !(outcome instanceof TimbreError));
      await kept.store(keeps, keptBytes, new Set(good.map(([sha256]) => sha256)));
      const like = duplicates ? await this.others(subject, speakerId, [...heard.values()]) : [];
      const done = await this.store.transaction(async (records) => {
        const found = await records.speakers.find(speakerId);
        // Another of the same id is somebody else.
        if (found?.subject !== subject) throw speakerNotFound(speakerId);
        // Once more: consent may have been withdrawn while the recordings were heard.
        this.requireConsent(found);
        // What was known of these files may be of somebody who has opted out by now: then they are heard after all.
        if (!(await mayBeUsed(records, before))) return null;
        const results = await this.storeAll(records, found, origin, recordings, heard, kept);
        const [voice, keptRecordings] = await bothOf(
          this.renew(records, found, origin, results),
          keptOf(records, speakerId),
        );
        const enrolled = { ...voice, keptRecordings, results, possibleDuplicate: await stillThere(records, like) };
        await alongWith?.(records, enrolled);
        return enrolled;
      });
      if (!done) continue;
      kept.tell(done.results.flatMap((result) => ('enrollment' in result ? [result.notKept] : [])));
      return done;
    }
  }

  /** Oldest first, of every model. Errors: SPEAKER_NOT_FOUND, INVALID_ARGUMENT for a cursor of another list. */
  async list(
    speakerId: string,
    limit = 500,
    cursor?: string,
  ): Promise<Voice & { enrollments: EnrollmentInfo[]; kept: Set<string>; nextCursor: string | null }> {
    const after = PLACES.decode(cursor);
    const origin = this.model.lastOrigin();
    return this.store.read(async ({ speakers, enrollments, profiles, recordings }) => {
      const speaker = await requireSpeaker({ speakers }, speakerId);
      const found = await enrollments.page(speakerId, after, limit + 1);
      const { rows, nextCursor } = PLACES.page(found, limit, ({ createdAt, id }) => [createdAt.getTime(), id]);
      const profile = origin && (await profiles.state(speakerId, origin));
      const kept = await recordings.contents(speakerId);
      return { speaker, profile, keptRecordings: kept.size, enrollments: rows, kept, nextCursor };
    });
  }

  /** With the profile of its own model. Errors: SPEAKER_NOT_FOUND, ENROLLMENT_NOT_FOUND. */
  async get(
    speakerId: string,
    id: string,
  ): Promise<{ enrollment: EnrollmentInfo; profile: ProfileState | null; audioKept: boolean }> {
    return this.store.read(async ({ speakers, enrollments, profiles, recordings }) => {
      await requireSpeaker({ speakers }, speakerId);
      const enrollment = await enrollments.find(speakerId, id);
      if (!enrollment) throw enrollmentNotFound(speakerId, id);
      const audioKept = (await recordings.contents(speakerId)).has(enrollment.contentSha256);
      return { enrollment, profile: await profiles.state(speakerId, enrollment.origin), audioKept };
    });
  }

  /** Deletes for good. Errors: SPEAKER_NOT_FOUND, ENROLLMENT_NOT_FOUND. */
  async delete(speakerId: string, id: string): Promise<void> {
    await this.store.transaction(async (records) => {
      const speaker = await requireSpeaker(records, speakerId);
      const enrollment = await records.enrollments.find(speakerId, id);
      if (!enrollment) throw enrollmentNotFound(speakerId, id);
      await records.enrollments.delete(speakerId, id);
      const { contentSha256, origin } = enrollment;
      const now = new Date();
      await forgetLesson(records, speakerId, id, now);
      await records.ledger.append({ speakerId, action: 'deleted', origin, enrollmentId: id, contentSha256 });
      await records.audit.record({ action: 'enrollment.deleted', subject: speaker.subject, object: id });
      await this.keeper.renew(records, speaker, origin);
    });
    // What is committed is told: wiping that fails now is done later.
    await this.maintenance.wipeSoon();
  }

  /** Errors: OPTED_OUT, CONSENT_REQUIRED. */
  private requireConsent(speaker: Speaker): void {
    try {
      requireConsent(speaker, this.consent.required);
    } catch (error) {
      const outcome = error instanceof TimbreError ? error.code : 'INTERNAL';
      this.trail.note({ action: 'enrollment.refused', subject: speaker.subject, outcome });
      throw error;
    }
  }

  /**
   * What is stored of these very files already, whoever's they are but of those who have opted out, and the subject of
   * the speaker; whether the speaker's audio is kept, and how many bytes of everybody's are then.
   * Errors: SPEAKER_NOT_FOUND, OPTED_OUT, CONSENT_REQUIRED.
   */
  private async recall(
    speakerId: string,
    recordings: readonly Recording[],
    origin: EmbeddingOrigin,
  ): Promise<{ subject: string; known: Map<string, HeardBefore>; keeps: boolean; keptBytes: number }> {
    const { store } = this;
    const speaker = await store.readOne((records) => requireSpeaker(records, speakerId));
    this.requireConsent(speaker);
    const known = new Map<string, HeardBefore>();
    for (const { sha256 } of recordings) {
      if (known.has(sha256)) continue;
      const found = await store.readOne(({ enrollments }) => enrollments.heardBefore(origin, sha256));
      if (found) known.set(sha256, found);
    }
    const { keeps } = await store.readOne((records) => this.recordings.settingOf(records, speaker));
    const keptBytes = keeps ? (await store.read((records) => records.recordings.totals())).bytes : 0;
    return { subject: speaker.subject, known, keeps, keptBytes };
  }

  /** Who else may have the voice that was heard: that of the recordings that count, all together. */
  private others(
    subject: string,
    speakerId: string,
    heard: readonly (Heard | TimbreError)[],
  ): ReturnType<Duplicates['of']> {
    const limits = this.model.recordingLimits();
    const good = heard.flatMap((one) =>
      one instanceof TimbreError || !judge(one.measures, limits).accepted ? [] : one,
    );
    const embedding = meanVoice(good.map((one) => one.embedding));
    if (!embedding) return Promise.resolve([]);
    const speechSeconds = good.reduce((sum, { measures }) => sum + measures.speechSeconds, 0);
    const scorer = this.duplicates.scorerAt(undefined);
    const recordings = good.length;
    return this.duplicates.of({ subject, speakerId, embedding, speechSeconds, recordings }, scorer, MOST_LIKE);
  }

  /** Errors: CONVERSATIONS_OFF and MODEL_NOT_READY where voices cannot be told apart. */
  private async admitConversation(): Promise<void> {
    if (!this.config.conversations) throw conversationsOff();
    await this.engine.admitConversation();
  }

  /** SEVERAL_VOICES where more than one speaks; who speaks where is told by the whole recording. Errors: those of `converse`. */
  private async severalVoices(input: AudioInput, bounds: EmbedOptions): Promise<TimbreError | null> {
    const { intervals, channel, track, signal, timeoutMs } = bounds;
    const heard = await this.engine.converse(input, {
      maxSeconds: this.config.maxAudioSeconds,
      ...(channel !== undefined && { channel }),
      ...(track !== undefined && { track }),
      ...(signal && { signal }),
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
    const voices = voicesIn(intervals ?? [{ start: 0, end: heard.seconds }], heard);
    if (voices.length < 2) return null;
    const said = voices.map(({ label, seconds }) => `${label} for ${seconds.toFixed(1)} s`).join(', ');
    const where = intervals ? 'in the intervals of the recording' : 'in the recording';
    const todo = intervals ? 'name those in which the speaker is alone' : 'record the speaker alone, or name intervals';
    const message = `${where} ${voices.length} voices speak (${said}); ${todo}`;
    return new TimbreError('SEVERAL_VOICES', message, { details: { voices } });
  }

  /** Embeds what is not known, each file once, and judges who speaks where that is asked for; the outcome by content. */
  private async listen(
    recordings: readonly Recording[],
    known: ReadonlyMap<string, Heard>,
    bounds: EmbedOptions,
    oneVoice: boolean,
  ): Promise<Map<string, Heard | TimbreError>> {
    const outcomes = new Map<string, Heard | TimbreError>(known);
    const unknown = new Map(recordings.filter(({ sha256 }) => !outcomes.has(sha256)).map((one) => [one.sha256, one]));
    const hashes = [...unknown.keys()];
    const inputs = Array.from(unknown.values(), ({ audio }) => audio);
    const items = inputs.length > 0 ? await this.engine.embedBatch(inputs, bounds) : [];
    for (const item of items) {
      const sha256 = hashes[item.index];
      if (sha256 === undefined) throw new Error('the engine answered what nobody asked');
      if ('error' in item) outcomes.set(sha256, item.error);
      else {
        const difference = await this.channelsDiffer(inputs[item.index]!, item.result, bounds);
        outcomes.set(sha256, difference ?? this.heard(item.result));
      }
    }
    // A part that is known was judged when it became so.
    const judged = oneVoice ? new Map(recordings.map((one) => [one.sha256, one])) : bounds.intervals ? unknown : [];
    for (const [sha256, { audio }] of judged) {
      if (outcomes.get(sha256) instanceof TimbreError) continue;
      const several = await this.severalVoices(audio, bounds);
      if (several) outcomes.set(sha256, several);
    }
    return outcomes;
  }

  /** Listens to each channel of a recording that was mixed down. An error where they hold different people. */
  private async channelsDiffer(
    input: AudioInput,
    { audio }: EmbedResult,
    bounds: EmbedOptions,
  ): Promise<TimbreError | null> {
    const { channels, channel, channelsAlike } = audio;
    // What cancels is alike but for its sign, and was not mixed.
    if (channels < 2 || channel !== 'mix' || channelsAlike) return null;
    const items = await this.engine.embedBatch([input], { ...bounds, channel: 'each' });
    const difference = differentVoices(
      items.map((item) => ({ ...item, channel: item.channel ?? 0 })),
      this.engine.scorer(),
    );
    if (!difference) return null;
    const [a, b] = difference.channels;
    return new TimbreError(
      'CHANNELS_DIFFER',
      `channels ${a} and ${b} hold different people (cosine ${difference.cosine.toFixed(3)}); ` +
        `say whose channel is meant: channel=${a} or channel=${b}`,
      { details: difference },
    );
  }

  private heard(result: EmbedResult): Heard | TimbreError {
    try {
      const embedding = checkEmbedding(result.embedding, this.model.dimension());
      return { embedding, measures: measuresOf(result), audio: result.audio };
    } catch (error) {
      if (error instanceof TimbreError) return error;
      throw error;
    }
  }

  private async storeAll(
    records: VoiceRecords,
    speaker: Speaker,
    origin: EmbeddingOrigin,
    recordings: readonly Recording[],
    heard: ReadonlyMap<string, Heard | TimbreError>,
    kept: EnrolledAudio,
  ): Promise<Enrolled[]> {
    const results: Enrolled[] = [];
    const { keeps } = await this.recordings.settingOf(records, speaker);
    // A millisecond apart: the list is in the order of the upload.
    let createdAt = Date.now();
    for (const recording of recordings) {
      const outcome = heard.get(recording.sha256);
      if (outcome === undefined) throw new Error('every recording has an outcome');
      if (outcome instanceof TimbreError) results.push({ recording, error: outcome });
      else {
        const now = new Date(createdAt++);
        const added = await this.add(records, speaker, origin, recording, outcome, now);
        results.push({ ...added, notKept: await kept.keep(records, speaker, keeps, added.enrollment, now) });
      }
    }
    return results;
  }

  private async add(
    { enrollments, ledger, audit }: VoiceRecords,
    { id: speakerId, subject }: Speaker,
    origin: EmbeddingOrigin,
    recording: Recording,
    { embedding, measures, audio }: Heard,
    createdAt: Date,
  ): Promise<Omit<EnrolledRecording, 'notKept'>> {
    const { sha256, filename } = recording;
    const enrollment: Enrollment = {
      id: randomUUID(),
      speakerId,
      createdAt,
      fileName: filename === '' ? null : filename,
      contentSha256: sha256,
      origin,
      embedding,
      measures,
      verdict: judge(measures, this.model.recordingLimits()),
      kind: 'enrolled',
      setAside: null,
    };
    if (!(await enrollments.insert(enrollment))) {
      const present = await enrollments.findByContent(speakerId, origin, sha256);
      if (!present) throw new Error('an enrolment is there and is not');
      if (isLearned(present) || present.setAside) {
        // What was learned, or set aside, is enrolled from now on.
        await enrollments.change(speakerId, [present.id], { kind: 'enrolled', setAside: null });
        await forgetLesson({ ledger }, speakerId, present.id, createdAt);
        await ledger.append({
          speakerId,
          action: 'enrolled',
          origin,
          enrollmentId: present.id,
          contentSha256: sha256,
        });
        await audit.record({ action: 'enrollment.added', subject, object: present.id });
        const promoted: EnrollmentInfo = { ...present, kind: 'enrolled', setAside: null };
        return { recording, enrollment: promoted, duplicate: false, audio: audio ?? null };
      }
      return { recording, enrollment: present, duplicate: true, audio: audio ?? null };
    }
    const { id: enrollmentId } = enrollment;
    await ledger.append({ speakerId, action: 'enrolled', origin, enrollmentId, contentSha256: sha256 });
    await audit.record({ action: 'enrollment.added', subject, object: enrollment.id });
    return { recording, enrollment, duplicate: false, audio: audio ?? null };
  }

  private async renew(
    records: VoiceRecords,
    speaker: Speaker,
    origin: EmbeddingOrigin,
    results: readonly Enrolled[],
  ): Promise<Omit<Voice, 'keptRecordings'>> {
    const added = results.some((result) => 'enrollment' in result && !result.duplicate);
    if (!added) return { speaker, profile: await records.profiles.state(speaker.id, origin) };
    const { enrolled, ...voice } = await this.keeper.renew(records, speaker, origin);
    requireRoom(enrolled, this.config);
    return voice;
  }
}

/** What taught a recording is nothing to undo any more. */
async function forgetLesson(
  { ledger }: Pick<VoiceRecords, 'ledger'>,
  speakerId: string,
  enrollmentId: string,
  now: Date,
): Promise<void> {
  const entries = await ledger.thatBrought(speakerId, enrollmentId);
  for (const entry of entries) if (!entry.undoneAt) await ledger.undone(entry, now);
}

/** Whether those whose embeddings are about to be used are there, and have not opted out. */
async function mayBeUsed({ speakers }: VoiceRecords, known: ReadonlyMap<string, HeardBefore>): Promise<boolean> {
  const subjects = new Set(Array.from(known.values(), ({ subject }) => subject));
  if (subjects.size === 0) return true;
  const found = await speakers.bySubject([...subjects]);
  return found.length === subjects.size && found.every(({ optedOutAt }) => !optedOutAt);
}

function allFailed(recordings: readonly Recording[], outcomes: ReadonlyMap<string, Heard | TimbreError>): TimbreError {
  const results = recordings.map(({ filename, sha256 }, index) => {
    const error = outcomes.get(sha256);
    if (!(error instanceof TimbreError)) throw new Error('not all failed');
    return { index, filename, error };
  });
  const first = results[0]?.error;
  if (!first) throw new Error('there was no recording');
  const details = results.map(({ error: { code, message }, ...rest }) => ({ ...rest, error: { code, message } }));
  return new TimbreError(first.code, first.message, {
    cause: first,
    ...(results.length > 1 ? { details: { results: details } } : first.details ? { details: first.details } : {}),
  });
}

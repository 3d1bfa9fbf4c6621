import { In, type EntityManager, type EntitySchema, type ObjectLiteral } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import {
  BOUND_KINDS,
  digestOf,
  groupOwner,
  idOf,
  isGroupOwner,
  isUnknownVoiceOwner,
  KEYS_OWNER,
  ownerOf,
  unknownVoiceOwner,
  type BoundKind,
  type BoundRows,
} from './bound-records.js';
import { ask } from './dialect.js';
import { ApiKeyEntity } from './entities/api-key.entity.js';
import type { AuditRow } from './entities/audit.entity.js';
import { AuditEntity } from './entities/audit.entity.js';
import { ConsentEntity } from './entities/consent.entity.js';
import { EnrollmentEntity } from './entities/enrollment.entity.js';
import { KeptRecordingEntity } from './entities/kept-recording.entity.js';
import { LedgerEntity } from './entities/ledger.entity.js';
import { ProfileEntity } from './entities/profile.entity.js';
import { GroupEntity } from './entities/group.entity.js';
import { SpeakerEntity, type SpeakerRow } from './entities/speaker.entity.js';
import { UnknownVoiceEntity } from './entities/unknown-voice.entity.js';
import { VoiceShareEntity } from './entities/voice-share.entity.js';
import { VoiceStepEntity } from './entities/voice-step.entity.js';
import { WaitingVerificationEntity } from './entities/waiting-verification.entity.js';
import { Epoch, FileEpochProvider, stateOf, type EpochState } from './epoch.js';
import { openEmbedding } from './mappers/enrollment.mapper.js';
import { openShare } from './mappers/unknown-voice.mapper.js';
import { recordingOwner } from './mappers/kept-recording.mapper.js';
import { toWaiting } from './mappers/waiting-verification.mapper.js';
import { toProfile } from './mappers/profile.mapper.js';
import { epochFileOf, type Places } from './places.js';
import { entryName, Register, type Head } from './register.js';
import { selection } from './rows.js';
import { TrailCheck, type TrailFinding } from './trail.js';
import type { VectorCipher } from './vector-cipher.js';

/** Speakers, and entries of the trail, in memory at once. */
const SPEAKERS_AT_ONCE = 100;
const ENTRIES_AT_ONCE = 2000;

/** Findings that are kept by their ids; the rest is counted. */
const MOST_LISTED = 1000;

export interface ExamineOptions {
  /** Stops when aborted. */
  signal?: AbortSignal;
  /** Called now and then with how many records were looked at. */
  passed?: (records: number) => void;
}

/** A record that is not as this service wrote it. */
export interface RecordFinding {
  kind: BoundKind;
  /** Whose it is; null where it is nobody's. */
  speakerId: string | null;
  /** Which of the speaker's it is, where there are several; for a profile its model and front end. */
  id: string | null;
  /** `unreadable`: its vector does not open. */
  what: 'changed' | 'unreadable';
}

export interface DataReport {
  /** Nothing was found. */
  sound: boolean;
  /** Records looked at. */
  records: Record<BoundKind, number>;
  /** The first thousand. */
  findings: RecordFinding[];
  findingsCount: number;
  /** Records that were deleted, by speaker; speakers that were deleted are a number of their own. */
  missing: { speakerId: string | null; records: number }[];
  missingSpeakers: number;
  /** Nodes of the register that do not have their digest: what hangs on them is told as changed. */
  registerBroken: string[];
  trail: { entries: number; findings: TrailFinding[]; findingsCount: number };
  epoch: { state: EpochState | 'unreadable'; database: number; provider: number | null };
}

/** What the provider of the epoch has. */
export type KnownMark = { database: string; counter: number } | null | 'unreadable';

/**
 * Compares everything that is stored with what this service has vouched for. Only reads, as it is at one moment.
 * Errors: STORAGE_INVALID where the register has lost its head, or the key is another one; ABORTED.
 */
export async function examine(
  manager: EntityManager,
  cipher: VectorCipher,
  mark: KnownMark,
  { signal, passed = () => undefined }: ExamineOptions,
): Promise<DataReport> {
  const register = new Register(cipher);
  const head = await register.head(manager);
  return new Examination(manager, register, cipher, { signal, passed }).report(head, mark);
}

/** Before the database is read: one that moves on meanwhile is ahead of it. */
export function readMark(places: Places, cipher: VectorCipher): Promise<KnownMark> {
  return new Epoch(new FileEpochProvider(epochFileOf(places)), cipher).read().catch(unreadable);
}

function unreadable(error: unknown): 'unreadable' {
  if (error instanceof TimbreError && error.code === 'STORAGE_ROLLED_BACK') return 'unreadable';
  throw error;
}

class Examination {
  private readonly records = Object.fromEntries(BOUND_KINDS.map((kind) => [kind, 0])) as Record<BoundKind, number>;
  private readonly findings: RecordFinding[] = [];
  private findingsCount = 0;
  private readonly missing: DataReport['missing'] = [];
  private looked = 0;

  constructor(
    private readonly manager: EntityManager,
    private readonly register: Register,
    private readonly cipher: VectorCipher,
    private readonly options: { signal: AbortSignal | undefined; passed: (records: number) => void },
  ) {}

  async report(head: Head, mark: KnownMark): Promise<DataReport> {
    const { leaves, broken } = await this.register.structure(this.manager);
    const speakers = await this.speakers();
    const groups = await this.groups();
    const unknown = await this.unknownVoices();
    await this.owned(KEYS_OWNER, { 'api-key': await this.manager.find(ApiKeyEntity) });
    const trail = await this.trail(head);
    const state = mark === 'unreadable' ? mark : stateOf(head, mark);
    const missingSpeakers = broken.length > 0 ? 0 : Math.max(0, leaves - speakers - groups - unknown);
    const wrong = this.findingsCount + this.missing.length + missingSpeakers + broken.length + trail.findingsCount;
    return {
      sound: wrong === 0 && state === 'current',
      records: this.records,
      findings: this.findings,
      findingsCount: this.findingsCount,
      missing: this.missing,
      missingSpeakers,
      registerBroken: broken,
      trail,
      epoch: {
        state,
        database: head.counter,
        provider: mark === null || mark === 'unreadable' ? null : mark.counter,
      },
    };
  }

  /** Gives how many of them are vouched for. */
  private async speakers(): Promise<number> {
    let known = 0;
    for (let after = ''; ;) {
      this.step();
      const speakers = await this.manager
        .createQueryBuilder(SpeakerEntity, 'speaker')
        .where('speaker.id > :after', { after })
        .orderBy('speaker.id')
        .limit(SPEAKERS_AT_ONCE)
        .getMany();
      known += await this.batch(speakers);
      if (speakers.length < SPEAKERS_AT_ONCE) break;
      after = speakers.at(-1)!.id;
    }
    await this.orphans();
    return known;
  }

  /** The same of groups. */
  private async groups(): Promise<number> {
    let known = 0;
    for (let after = ''; ;) {
      this.step();
      const groups = await this.manager
        .createQueryBuilder(GroupEntity, 'group')
        .where('group.uid > :after', { after })
        .orderBy('group.uid')
        .limit(SPEAKERS_AT_ONCE)
        .getMany();
      const owners = groups.map(({ uid }) => groupOwner(uid));
      const leaves = await this.register.leaves(this.manager, owners);
      for (const [i, group] of groups.entries()) {
        const leaf = leaves.get(owners[i]!)!;
        if (leaf.size > 0) known++;
        this.compare(owners[i]!, leaf, { group: [group] });
      }
      if (groups.length < SPEAKERS_AT_ONCE) return known;
      after = groups.at(-1)!.uid;
    }
  }

  /** The same of unknown voices. */
  private async unknownVoices(): Promise<number> {
    let known = 0;
    for (let after = ''; ;) {
      this.step();
      const voices = await this.manager
        .createQueryBuilder(UnknownVoiceEntity, 'voice')
        .where('voice.id > :after', { after })
        .orderBy('voice.id')
        .limit(SPEAKERS_AT_ONCE)
        .getMany();
      const ids = In(voices.map(({ id }) => id));
      const shares = group(
        await this.manager.find(VoiceShareEntity, { where: { voiceId: ids } }),
        (row) => row.voiceId,
      );
      const steps = group(await this.manager.find(VoiceStepEntity, { where: { voiceId: ids } }), (row) => row.voiceId);
      const owners = voices.map(({ id }) => unknownVoiceOwner(id));
      const leaves = await this.register.leaves(this.manager, owners);
      for (const [i, voice] of voices.entries()) {
        const leaf = leaves.get(owners[i]!)!;
        if (leaf.size > 0) known++;
        const own = { 'voice-share': shares.get(voice.id) ?? [], 'voice-step': steps.get(voice.id) ?? [] };
        this.compare(owners[i]!, leaf, { 'unknown-voice': [voice], ...own });
        for (const row of own['voice-share']) this.opens('voice-share', row, () => openShare(row, this.cipher));
      }
      if (voices.length < SPEAKERS_AT_ONCE) return known;
      after = voices.at(-1)!.id;
    }
  }

  private async batch(speakers: readonly SpeakerRow[]): Promise<number> {
    const ids = speakers.map(({ id }) => id);
    const leaves = await this.register.leaves(this.manager, ids);
    const consents = group(await this.of(ConsentEntity, ids), ({ speakerId }) => speakerId);
    const enrollments = group(await this.of(EnrollmentEntity, ids), ({ speakerId }) => speakerId);
    const profiles = group(await this.of(ProfileEntity, ids), ({ speakerId }) => speakerId);
    const ledger = group(await this.of(LedgerEntity, ids), ({ speakerId }) => speakerId);
    const waiting = group(await this.of(WaitingVerificationEntity, ids), ({ speakerId }) => speakerId);
    const recordings = group(await this.of(KeptRecordingEntity, ids), ({ speakerId }) => speakerId);
    let known = 0;
    for (const speaker of speakers) {
      const { id } = speaker;
      const rows = {
        speaker: [speaker],
        consent: consents.get(id) ?? [],
        enrollment: enrollments.get(id) ?? [],
        profile: profiles.get(id) ?? [],
        ledger: ledger.get(id) ?? [],
        'waiting-verification': waiting.get(id) ?? [],
        recording: recordings.get(id) ?? [],
      };
      if (leaves.get(id)!.size > 0) known++;
      this.compare(id, leaves.get(id)!, rows);
      for (const row of rows.enrollment) this.opens('enrollment', row, () => openEmbedding(row, this.cipher));
      for (const row of rows.profile) this.opens('profile', row, () => toProfile(row, this.cipher).centroid);
      for (const row of rows['waiting-verification'])
        this.opens('waiting-verification', row, () => toWaiting(row, this.cipher).embedding);
      for (const row of rows.recording)
        this.opens('recording', row, () => this.cipher.open(row.sealedKey, recordingOwner(row)));
    }
    return known;
  }

  private async owned(owner: string, rows: { [Kind in BoundKind]?: BoundRows[Kind][] }): Promise<void> {
    this.compare(owner, (await this.register.leaves(this.manager, [owner])).get(owner)!, rows);
  }

  private compare(
    owner: string,
    leaf: ReadonlyMap<string, Buffer>,
    rows: { [Kind in BoundKind]?: BoundRows[Kind][] },
  ): void {
    const left = new Set(leaf.keys());
    for (const kind of BOUND_KINDS) {
      for (const row of rows[kind] ?? []) {
        this.records[kind]++;
        this.looked++;
        const name = entryName(kind, idOf(kind, row)).toString('hex');
        left.delete(name);
        if (!leaf.get(name)?.equals(digestOf(kind, row))) this.find(kind, row, 'changed');
      }
    }
    if (left.size > 0) this.missing.push({ speakerId: speakerOf(owner), records: left.size });
  }

  /** A vector that does not open though its record is as it was written is under a key that was lost. */
  private opens<Kind extends 'enrollment' | 'profile' | 'waiting-verification' | 'voice-share' | 'recording'>(
    kind: Kind,
    row: BoundRows[Kind],
    vector: () => Float32Array | Buffer | null,
  ): void {
    try {
      vector()?.fill(0);
    } catch (error) {
      if (!(error instanceof TimbreError)) throw error;
      this.find(kind, row, 'unreadable');
    }
  }

  private find<Kind extends BoundKind>(kind: Kind, row: BoundRows[Kind], what: RecordFinding['what']): void {
    this.findingsCount++;
    if (this.findings.length >= MOST_LISTED) return;
    const owner = ownerOf(kind, row);
    const id = 'uid' in row ? row.uid : kind === 'unknown-voice' && 'id' in row ? row.id : idOf(kind, row).join(' ');
    this.findings.push({ kind, speakerId: speakerOf(owner), id: id === '' ? null : id, what });
  }

  /** Records whose speaker is not there: the service makes none. */
  private async orphans(): Promise<void> {
    for (const [kind, entity] of [
      ['consent', ConsentEntity],
      ['enrollment', EnrollmentEntity],
      ['profile', ProfileEntity],
      ['ledger', LedgerEntity],
      ['waiting-verification', WaitingVerificationEntity],
      ['recording', KeptRecordingEntity],
    ] as const) {
      await this.orphansIn(kind, entity);
    }
  }

  private async orphansIn(kind: BoundKind, entity: EntitySchema<BoundRows[BoundKind]>): Promise<void> {
    const { columns, row } = selection(this.manager, entity, 't');
    const { tableName } = this.manager.connection.getMetadata(entity);
    const records = await ask<Record<string, unknown>>(
      this.manager,
      `SELECT ${columns} FROM "${tableName}" t WHERE t.speaker_id NOT IN (SELECT id FROM speakers) LIMIT ?`,
      [MOST_LISTED],
    );
    for (const record of records) {
      this.records[kind]++;
      this.find(kind, row(record), 'changed');
    }
  }

  private of<Row extends ObjectLiteral & { speakerId: string }>(
    entity: EntitySchema<Row>,
    ids: readonly string[],
  ): Promise<Row[]> {
    return this.manager.find(entity, { where: { speakerId: In([...ids]) } as never });
  }

  /** A page at a time: a trail may have millions of entries. */
  private async trail(head: Head): Promise<DataReport['trail']> {
    const check = new TrailCheck(head.trail);
    const { columns, row } = selection(this.manager, AuditEntity, 't');
    const findings: TrailFinding[] = [];
    let findingsCount = 0;
    const add = (found: readonly TrailFinding[]): void => {
      findingsCount += found.length;
      findings.push(...found.slice(0, Math.max(0, MOST_LISTED - findings.length)));
    };
    for (let after = 0; ;) {
      this.step();
      const records = await ask<Record<string, unknown>>(
        this.manager,
        `SELECT ${columns} FROM audit t WHERE t.id > ? ORDER BY t.id LIMIT ?`,
        [after, ENTRIES_AT_ONCE],
      );
      const rows = records.map((record): AuditRow => row(record));
      for (const entry of rows) add(check.check(entry));
      this.looked += rows.length;
      if (rows.length < ENTRIES_AT_ONCE) break;
      after = rows.at(-1)!.id;
    }
    add(check.end());
    return { entries: check.entries, findings, findingsCount };
  }

  private step(): void {
    if (this.options.signal?.aborted) throw new TimbreError('ABORTED', 'cancelled');
    this.options.passed(this.looked);
  }
}

/** Null for an owner that is no speaker. */
function speakerOf(owner: string): string | null {
  return owner === KEYS_OWNER || isGroupOwner(owner) || isUnknownVoiceOwner(owner) ? null : owner;
}

function group<Row>(rows: readonly Row[], by: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const known = groups.get(by(row));
    if (known) known.push(row);
    else groups.set(by(row), [row]);
  }
  return groups;
}

import { In, MoreThan, type EntityManager, type EntitySchema, type ObjectLiteral } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import {
  BOUND_KINDS,
  CALIBRATIONS_OWNER,
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
import { CalibrationEntity } from './entities/calibration.entity.js';
import { ConsentEntity } from './entities/consent.entity.js';
import { EnrollmentEntity } from './entities/enrollment.entity.js';
import { KeptRecordingEntity, type KeptRecordingRow } from './entities/kept-recording.entity.js';
import { LedgerEntity } from './entities/ledger.entity.js';
import { ProfileEntity } from './entities/profile.entity.js';
import { GroupEntity } from './entities/group.entity.js';
import { SpeakerEntity, type SpeakerRow } from './entities/speaker.entity.js';
import { UnknownVoiceEntity } from './entities/unknown-voice.entity.js';
import { VoiceShareEntity } from './entities/voice-share.entity.js';
import { VoiceStepEntity } from './entities/voice-step.entity.js';
import { WaitingVerificationEntity } from './entities/waiting-verification.entity.js';
import { WebhookEntity } from './entities/webhook.entity.js';
import { Epoch, FileEpochProvider, stateOf, type EpochState } from './epoch.js';
import { recordingOwner } from './mappers/kept-recording.mapper.js';
import { epochFileOf, type Places } from './places.js';
import { entryName, Register, type Head } from './register.js';
import { openWebhook } from './repositories/typeorm-webhook.repository.js';
import { selection } from './rows.js';
import { AUDIO_AT_ONCE, openPieces, sealedBytes, type SealedPieces } from './sealed-audio.js';
import { ofSealedColumns, openSealed, type SealedColumn } from './sealed-columns.js';
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
  /**
   * Whether every piece of kept audio is opened, which reads all of it. Default false: it is looked whether it is there, and as
   * long as its record says.
   */
  openAudio?: boolean;
}

/** Webhooks are under the data key, and the register does not vouch for them. */
export type ExaminedKind = BoundKind | 'webhook';

/** A record that is not as this service wrote it, or whose audio is not. */
export interface RecordFinding {
  kind: ExaminedKind;
  /** Whose it is; null where it is nobody's. */
  speakerId: string | null;
  /** Which of the speaker's it is, where there are several; for a profile its model and front end. */
  id: string | null;
  /** `unreadable`: what of it is under the data key does not open. Those of `audio` are of the audio of a kept recording. */
  what: 'changed' | 'unreadable' | 'audio missing' | 'audio of another length' | 'audio unreadable';
}

/**
 * The table that a database searches voices by: its rows, those that are to be filled in yet, and of the others those that are not
 * there, and those that are not what the profiles make of them.
 */
export interface VectorsReport {
  rows: number;
  due: number;
  missing: number;
  wrong: number;
}

export interface DataReport {
  /** Nothing was found. */
  sound: boolean;
  /** Records looked at. */
  records: Record<ExaminedKind, number>;
  /** The first thousand. */
  findings: RecordFinding[];
  findingsCount: number;
  /** Records that were deleted, by speaker; speakers that were deleted are a number of their own. */
  missing: { speakerId: string | null; records: number }[];
  missingSpeakers: number;
  /** Nodes of the register that do not have their digest: what hangs on them is told as changed. */
  registerBroken: string[];
  trail: { entries: number; findings: TrailFinding[]; findingsCount: number };
  /**
   * `opened`: kept recordings whose audio was opened, every piece; null where it was not asked for. `unnamed`: ids of audio
   * that no record names and that is over an hour old, the first thousand, and how many they are. A process that was killed has
   * left it, and the service removes it: no fault of the data.
   */
  audio: { opened: number | null; unnamed: string[]; unnamedCount: number };
  epoch: { state: EpochState | 'unreadable'; database: number; provider: number | null };
  /** Null where the database searches no voices. */
  vectors: VectorsReport | null;
}

/**
 * The sealed audio of a database: as it lies there now, and not at the moment that is examined. Errors of every call: those of
 * the storage.
 */
export interface ExaminedAudio {
  pieces: Pick<SealedPieces, 'read' | 'lengths'>;

  /** Those of these ids that a record names, now too. */
  named(ids: readonly string[]): Promise<ReadonlySet<string>>;

  /** Ids of audio that no record names and that is older than `UNNAMED_MS`, in pages. */
  unnamed(): AsyncIterable<string[]>;
}

/** What the provider of the epoch has. */
export type KnownMark = { database: string; counter: number } | null | 'unreadable';

/**
 * Compares everything that is stored with what this service has vouched for. Only reads, as it is at one moment; what is
 * damaged is told, and stops nothing else. `audio`: that of a database of this id. Errors: STORAGE_INVALID where the register has lost its head, or the key is another one; ABORTED.
 */
export async function examine(
  manager: EntityManager,
  cipher: VectorCipher,
  mark: KnownMark,
  audio: (database: string) => ExaminedAudio,
  { signal, passed = () => undefined, openAudio = false }: ExamineOptions,
): Promise<DataReport> {
  const register = new Register(cipher);
  const head = await register.head(manager);
  const own = audio(head.database);
  return new Examination(manager, register, cipher, own, { signal, passed, openAudio }).report(head, mark);
}

/** Before the database is read: one that moves on meanwhile is ahead of it. */
export function readMark(places: Places, cipher: VectorCipher): Promise<KnownMark> {
  return new Epoch(new FileEpochProvider(epochFileOf(places)), cipher).read().catch(unreadable);
}

function unreadable(error: unknown): 'unreadable' {
  if (error instanceof TimbreError && error.code === 'STORAGE_ROLLED_BACK') return 'unreadable';
  throw error;
}

type Opener = (row: BoundRows[BoundKind], cipher: VectorCipher) => void;

/** Opens what of a row is under the data key, by kind. Errors: STORAGE_INVALID where it does not open. */
const OPENERS: ReadonlyMap<BoundKind, Opener> = new Map(ofSealedColumns((column) => [column.kind, opener(column)]));

function opener<Kind extends BoundKind>(column: SealedColumn<Kind>): Opener {
  return (row, cipher) => openSealed(column, row as BoundRows[Kind], cipher)?.fill(0);
}

class Examination {
  private readonly records = Object.fromEntries([...BOUND_KINDS, 'webhook'].map((kind) => [kind, 0])) as Record<
    ExaminedKind,
    number
  >;
  private readonly findings: RecordFinding[] = [];
  private findingsCount = 0;
  private readonly missing: DataReport['missing'] = [];
  private looked = 0;
  private opened = 0;

  constructor(
    private readonly manager: EntityManager,
    private readonly register: Register,
    private readonly cipher: VectorCipher,
    private readonly audio: ExaminedAudio,
    private readonly options: {
      signal: AbortSignal | undefined;
      passed: (records: number) => void;
      openAudio: boolean;
    },
  ) {}

  async report(head: Head, mark: KnownMark): Promise<DataReport> {
    const { leaves, broken } = await this.register.structure(this.manager);
    const speakers = await this.speakers();
    const groups = await this.groups();
    const unknown = await this.unknownVoices();
    await this.owned(KEYS_OWNER, { 'api-key': await this.manager.find(ApiKeyEntity) });
    await this.webhooks();
    const calibrations = await this.calibrations();
    const { opened } = this;
    const audio = { opened: this.options.openAudio ? opened : null, ...(await this.unnamedAudio()) };
    const trail = await this.trail(head);
    const state = mark === 'unreadable' ? mark : stateOf(head, mark);
    const missingSpeakers = broken.length > 0 ? 0 : Math.max(0, leaves - speakers - groups - unknown - calibrations);
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
      audio,
      epoch: {
        state,
        database: head.counter,
        provider: mark === null || mark === 'unreadable' ? null : mark.counter,
      },
      vectors: null,
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
    for (const [kind, entity] of [
      ['consent', ConsentEntity],
      ['enrollment', EnrollmentEntity],
      ['profile', ProfileEntity],
      ['ledger', LedgerEntity],
      ['waiting-verification', WaitingVerificationEntity],
      ['recording', KeptRecordingEntity],
    ] as const) {
      await this.orphans(kind, entity, 't.speaker_id NOT IN (SELECT id FROM speakers)');
    }
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
      }
      if (voices.length < SPEAKERS_AT_ONCE) break;
      after = voices.at(-1)!.id;
    }
    for (const [kind, entity] of [
      ['voice-share', VoiceShareEntity],
      ['voice-step', VoiceStepEntity],
    ] as const) {
      await this.orphans(kind, entity, 't.voice_id NOT IN (SELECT id FROM unknown_voices)');
    }
    return known;
  }

  /** The same of their one owner; a row at a time, since each may have a cohort in it. */
  private async calibrations(): Promise<number> {
    const leaf = (await this.register.leaves(this.manager, [CALIBRATIONS_OWNER])).get(CALIBRATIONS_OWNER)!;
    const left = new Map(leaf);
    for (let after = Number.MIN_SAFE_INTEGER; ;) {
      this.step();
      const [row] = await this.manager.find(CalibrationEntity, {
        where: { version: MoreThan(after) },
        order: { version: 'ASC' },
        take: 1,
      });
      if (!row) break;
      this.compareRow('calibration', row, leaf, left);
      after = row.version;
    }
    if (left.size > 0) this.missing.push({ speakerId: null, records: left.size });
    return leaf.size > 0 ? 1 : 0;
  }

  /** Addresses and secrets of webhooks. */
  private async webhooks(): Promise<void> {
    const { columns, row } = selection(this.manager, WebhookEntity, 'w');
    for (let after = ''; ;) {
      this.step();
      const records = await ask<Record<string, unknown>>(
        this.manager,
        `SELECT ${columns} FROM webhooks w WHERE w.id > ? ORDER BY w.id LIMIT ?`,
        [after, SPEAKERS_AT_ONCE],
      );
      const webhooks = records.map(row);
      for (const webhook of webhooks) {
        this.records.webhook++;
        this.looked++;
        if (!this.opens(() => openWebhook(webhook, this.cipher).fill(0))) {
          this.note({ kind: 'webhook', speakerId: null, id: webhook.id, what: 'unreadable' });
        }
      }
      if (webhooks.length < SPEAKERS_AT_ONCE) return;
      after = webhooks.at(-1)!.id;
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
    }
    const kept = [...recordings.values()].flat();
    for (let from = 0; from < kept.length; from += AUDIO_AT_ONCE) {
      await this.audioOf(kept.slice(from, from + AUDIO_AT_ONCE));
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
    const left = new Map(leaf);
    for (const kind of BOUND_KINDS) for (const row of rows[kind] ?? []) this.compareRow(kind, row, leaf, left);
    if (left.size > 0) this.missing.push({ speakerId: speakerOf(owner), records: left.size });
  }

  /** Takes what vouches for the row out of `left`. */
  private compareRow<Kind extends BoundKind>(
    kind: Kind,
    row: BoundRows[Kind],
    leaf: ReadonlyMap<string, Buffer>,
    left: Map<string, Buffer>,
  ): void {
    this.records[kind]++;
    this.looked++;
    const name = entryName(kind, idOf(kind, row)).toString('hex');
    left.delete(name);
    if (!leaf.get(name)?.equals(digestOf(kind, row))) this.find(kind, row, 'changed');
    // What does not open though its record is as it was written is under a key that was lost.
    if (!this.opens(() => OPENERS.get(kind)?.(row, this.cipher))) this.find(kind, row, 'unreadable');
  }

  /** False where it does not open. */
  private opens(open: () => void): boolean {
    try {
      open();
      return true;
    } catch (error) {
      if (error instanceof TimbreError) return false;
      throw error;
    }
  }

  private find<Kind extends BoundKind>(kind: Kind, row: BoundRows[Kind], what: RecordFinding['what']): void {
    const owner = ownerOf(kind, row);
    const id = 'uid' in row ? row.uid : kind === 'unknown-voice' && 'id' in row ? row.id : idOf(kind, row).join(' ');
    this.note({ kind, speakerId: speakerOf(owner), id: id === '' ? null : id, what });
  }

  private note(finding: RecordFinding): void {
    this.findingsCount++;
    if (this.findings.length < MOST_LISTED) this.findings.push(finding);
  }

  /** That the audio of these recordings is there, as long as their records say, and opens where that was asked for. */
  private async audioOf(rows: readonly KeptRecordingRow[]): Promise<void> {
    this.step();
    const lengths = await this.audio.pieces.lengths(rows.map(({ id }) => id));
    const wrong: { row: KeptRecordingRow; what: RecordFinding['what'] }[] = [];
    for (const row of rows) {
      const what = await this.wrongWithAudio(row, lengths.get(row.id));
      if (what) wrong.push({ row, what });
    }
    if (wrong.length === 0) return;
    // Of a recording that was removed since the moment that is examined no audio is there, as it should be.
    const named = await this.audio.named(wrong.map(({ row }) => row.id));
    for (const { row, what } of wrong) if (named.has(row.id)) this.find('recording', row, what);
  }

  /** `length`: bytes that lie there; undefined where nothing does, null where that cannot be looked at. */
  private async wrongWithAudio(
    row: KeptRecordingRow,
    length: number | null | undefined,
  ): Promise<RecordFinding['what'] | null> {
    if (length === undefined) return 'audio missing';
    if (length === null) return 'audio unreadable';
    const { id, bytes } = row;
    if (length !== sealedBytes(bytes)) return 'audio of another length';
    if (!this.options.openAudio) return null;
    let key: Buffer | undefined;
    // Where it does not open, that is told of the record.
    if (!this.opens(() => (key = this.cipher.open(row.sealedKey, recordingOwner(row))))) return null;
    try {
      for await (const piece of openPieces(this.audio.pieces, { id, bytes, key: key! })) {
        piece.fill(0);
        this.step();
      }
      this.opened++;
      return null;
    } catch (error) {
      if (!(error instanceof TimbreError) || error.code === 'ABORTED') throw error;
      return 'audio unreadable';
    } finally {
      key!.fill(0);
    }
  }

  private async unnamedAudio(): Promise<Omit<DataReport['audio'], 'opened'>> {
    const unnamed: string[] = [];
    let unnamedCount = 0;
    for await (const ids of this.audio.unnamed()) {
      this.step();
      unnamedCount += ids.length;
      unnamed.push(...ids.slice(0, Math.max(0, MOST_LISTED - unnamed.length)));
    }
    return { unnamed, unnamedCount };
  }

  /** Records whose owner is not there: the service makes none. `where`: which these are of a table `t`. */
  private async orphans(kind: BoundKind, entity: EntitySchema<BoundRows[BoundKind]>, where: string): Promise<void> {
    const { columns, row } = selection(this.manager, entity, 't');
    const { tableName } = this.manager.connection.getMetadata(entity);
    const records = await ask<Record<string, unknown>>(
      this.manager,
      `SELECT ${columns} FROM "${tableName}" t WHERE ${where} LIMIT ?`,
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
  const isNobodys =
    [KEYS_OWNER, CALIBRATIONS_OWNER].includes(owner) || isGroupOwner(owner) || isUnknownVoiceOwner(owner);
  return isNobodys ? null : owner;
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

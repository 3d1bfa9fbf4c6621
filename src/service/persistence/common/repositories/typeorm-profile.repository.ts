import { In, type EntityManager } from 'typeorm';
import type { GroupRef } from '../../../../support/group-ref.js';
import type { EmbeddingOrigin } from '../../../records/embedding.js';
import { countedIn, type Profile, type ProfileState } from '../../../records/profile.js';
import { ProfileRepository, type StoredVoice } from '../../../records/profile.repository.js';
import type { Speaker } from '../../../records/speaker.js';
import { appendVoiceChange } from '../changes.js';
import { ask, askPrepared, dialectOf } from '../dialect.js';
import { ProfileEntity, type ProfileRow } from '../entities/profile.entity.js';
import { SpeakerEntity, type SpeakerRow } from '../entities/speaker.entity.js';
import { profileOwner, toProfile, toProfileRow, toProfileState } from '../mappers/profile.mapper.js';
import { notAsWritten, type Register } from '../register.js';
import { findRow, findRows, findRowWith, insertRows, selection, type RowWith } from '../rows.js';
import { besideSpeaker, visibleSpeakers } from './typeorm-speaker.repository.js';
import { TimbreError } from '../../../../errors/timbre-error.js';
import type { VectorCipher } from '../vector-cipher.js';

/** Voices that are read with what vouches for each beside it. */
const MOST_VOUCHED = 4;

/** What the register vouches for of a voice that is searched. */
interface VoiceRow {
  speaker: SpeakerRow;
  profile: ProfileRow;
}

export class TypeOrmProfileRepository extends ProfileRepository {
  constructor(
    private readonly manager: EntityManager,
    private readonly cipher: VectorCipher,
    private readonly register: Register,
    private readonly bound: readonly GroupRef[] | null = null,
  ) {
    super();
  }

  async put(profile: Profile): Promise<void> {
    const row = toProfileRow(profile, this.cipher);
    const onConflict = { replace: ['speakerId', 'model', 'frontEnd'] } as const;
    await this.register.sent(this.manager, insertRows(this.manager, ProfileEntity, [row], onConflict));
    this.register.bind(this.manager, 'profile', [row]);
    await this.register.sent(this.manager, appendVoiceChange(this.manager, profile.speakerId));
  }

  async find(speakerId: string, origin: EmbeddingOrigin): Promise<Profile | null> {
    const where = { speakerId, ...origin };
    const found = await findRowWith(
      this.manager,
      ProfileEntity,
      where,
      this.register.vouching(this.manager, '"speaker_id"'),
    );
    return found && this.asWritten(found);
  }

  async withSpeaker(
    speakerId: string,
    { model, frontEnd }: EmbeddingOrigin,
  ): Promise<{ speaker: Speaker; profile: Profile | null } | null> {
    if (dialectOf(this.manager).impossible(speakerId)) return null;
    const speakers = selection(this.manager, SpeakerEntity, 's');
    const profiles = selection(this.manager, ProfileEntity, 'p');
    const [record] = await askPrepared<Record<string, unknown>>(
      this.manager,
      `SELECT ${speakers.columns}, ${profiles.columns}, ${besideSpeaker(this.manager, this.register, 's.id', 's.member_of')}
       FROM speakers s LEFT JOIN profiles p ON p.speaker_id = s.id AND p.model = ? AND p.front_end = ? WHERE s.id = ?`,
      [model, frontEnd, speakerId],
    );
    if (!record) return null;
    const found = [{ row: speakers.row(record), record }];
    const [speaker] = await visibleSpeakers(this.manager, this.register, found, this.bound);
    if (!speaker) return null;
    const isThere = record['p_speaker_id'] !== null;
    return { speaker, profile: isThere ? await this.asWritten({ row: profiles.row(record), record }) : null };
  }

  async state(speakerId: string, origin: EmbeddingOrigin): Promise<ProfileState | null> {
    const row = await findRow(this.manager, ProfileEntity, { speakerId, ...origin });
    return row && toProfileState(row);
  }

  async states(speakerIds: readonly string[], origin: EmbeddingOrigin): Promise<ProfileState[]> {
    const rows = await this.manager.findBy(ProfileEntity, { speakerId: In([...speakerIds]), ...origin });
    return rows.map(toProfileState);
  }

  async ofSpeaker(speakerId: string): Promise<Profile[]> {
    const rows = await findRows(this.manager, ProfileEntity, { speakerId }, { order: ['model', 'frontEnd'] });
    await this.register.require(this.manager, 'profile', rows);
    return rows.map((row) => toProfile(row, this.cipher));
  }

  async origins(speakerId: string): Promise<EmbeddingOrigin[]> {
    return this.manager.find(ProfileEntity, {
      select: { model: true, frontEnd: true },
      where: { speakerId },
      order: { model: 'ASC', frontEnd: 'ASC' },
    });
  }

  async allOrigins(): Promise<EmbeddingOrigin[]> {
    return ask<EmbeddingOrigin>(this.manager, 'SELECT DISTINCT model, front_end AS "frontEnd" FROM profiles');
  }

  voices(origin: EmbeddingOrigin, after: string | null, limit: number): Promise<StoredVoice[]> {
    const all = `profiles p ${dialectOf(this.manager).inOrder} speakers s ON s.id = p.speaker_id`;
    return this.findVoices(origin, all, 'p.speaker_id > ?3 ORDER BY p.speaker_id LIMIT ?4', [after ?? '', limit], ask);
  }

  async voicesOf(subjects: readonly string[], origin: EmbeddingOrigin): Promise<StoredVoice[]> {
    if (subjects.length === 0) return [];
    // In this order: SQLite by itself begins with whoever has not withdrawn consent, nearly everybody.
    const { list, inOrder } = dialectOf(this.manager);
    const { table, value } = list(subjects, '?3', 'asked');
    const asked = `${table} ${inOrder} speakers s ON s.subject = asked.value`;
    const beside = subjects.length <= MOST_VOUCHED ? this.register.vouching(this.manager, 's.id') : '';
    return this.findVoices(
      origin,
      `${asked} CROSS JOIN profiles p`,
      'p.speaker_id = s.id',
      [value],
      askPrepared,
      beside,
    );
  }

  /** `values`: the parameters of `from` and `where`, from the third on. */
  private async findVoices(
    origin: EmbeddingOrigin,
    from: string,
    where: string,
    values: unknown[],
    read: typeof ask,
    beside = '',
  ): Promise<StoredVoice[]> {
    const speakers = selection(this.manager, SpeakerEntity, 's');
    const profiles = selection(this.manager, ProfileEntity, 'p');
    const records = await read<Record<string, unknown>>(
      this.manager,
      `SELECT ${speakers.columns}, ${profiles.columns}${beside && `, ${beside}`} FROM ${from}
       WHERE p.model = ?1 AND p.front_end = ?2 AND p.status = 'Enrolled' AND s.consent_withdrawn_at IS NULL AND ${where}`,
      [origin.model, origin.frontEnd, ...values],
    );
    const rows = records.map((record) => ({ record, speaker: speakers.row(record), profile: profiles.row(record) }));
    const known = beside === '' ? await this.checkApart(rows) : await this.checkBeside(rows);
    return rows.map((row, i) => this.toVoice(row, known[i]!, origin));
  }

  private checkApart(rows: readonly VoiceRow[]): Promise<[boolean, boolean][]> {
    return this.register.checkBoth(
      this.manager,
      ['speaker', 'profile'],
      rows.map(({ speaker, profile }) => [speaker, profile]),
    );
  }

  private async checkBeside(
    rows: readonly (VoiceRow & { record: Record<string, unknown> })[],
  ): Promise<[boolean, boolean][]> {
    const { manager, register } = this;
    const speakers = await register.checkBeside(
      manager,
      'speaker',
      rows.map(({ speaker: row, record }) => ({ row, record })),
    );
    const profiles = await register.checkBeside(
      manager,
      'profile',
      rows.map(({ profile: row, record }) => ({ row, record })),
    );
    return rows.map((_, i) => [speakers[i]!, profiles[i]!]);
  }

  private toVoice(
    { speaker: { id: speakerId, subject, memberOf, consent }, profile: { centroid, speechSeconds, members } }: VoiceRow,
    [speakerKnown, profileKnown]: readonly [boolean, boolean],
    origin: EmbeddingOrigin,
  ): StoredVoice {
    try {
      if (!speakerKnown) throw notAsWritten('speaker');
      if (!profileKnown) throw notAsWritten('profile');
      if (!centroid) throw new TimbreError('STORAGE_INVALID', 'the profile is enrolled and has no centroid');
      const vector = this.cipher.openVector(centroid, profileOwner({ speakerId, ...origin }));
      return {
        subject,
        speakerId,
        groups: memberOf ?? [],
        centroid: vector,
        speechSeconds,
        recordings: countedIn({ members }),
        consented: consent !== null,
      };
    } catch (error) {
      return { subject, speakerId, groups: [], error: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Errors: STORAGE_INVALID. */
  private async asWritten(found: RowWith<ProfileRow>): Promise<Profile> {
    const [known] = await this.register.checkBeside(this.manager, 'profile', [found]);
    if (!known) throw notAsWritten('profile');
    return toProfile(found.row, this.cipher);
  }

  async delete(speakerId: string, origin: EmbeddingOrigin): Promise<void> {
    await appendVoiceChange(this.manager, speakerId);
    await this.manager.delete(ProfileEntity, { speakerId, ...origin });
    this.register.release(this.manager, 'profile', speakerId, [origin.model, origin.frontEnd]);
  }
}

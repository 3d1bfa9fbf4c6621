import { EntitySchema } from 'typeorm';

/**
 * What a speaker is found by, in the order of the lists: derived from the speaker's record, which says whether it is so
 * (`termsOf`).
 */
export interface TermRow {
  /** `Group.uid` of a group that the speaker belongs to; empty for everybody. */
  groupUid: string;
  term: string;
  /** Of the speaker, milliseconds since 1970. */
  createdAt: number;
  speakerId: string;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const TermEntity = new EntitySchema<TermRow>({
  name: 'Term',
  tableName: 'speaker_terms',
  withoutRowid: true,
  columns: {
    groupUid: { type: 'text', name: 'group_uid', primary: true },
    term: { type: 'text', primary: true },
    createdAt: { type: 'integer', name: 'created_at', primary: true },
    speakerId: { type: 'text', name: 'speaker_id', primary: true },
  },
  indices: [{ name: 'speaker_terms_of_speaker', columns: ['speakerId'] }],
  foreignKeys: [
    {
      name: 'speaker_terms_by_speaker',
      target: 'Speaker',
      columnNames: ['speakerId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
});

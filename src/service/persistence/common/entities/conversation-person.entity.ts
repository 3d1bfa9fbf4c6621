import { EntitySchema } from 'typeorm';

/** Whom a voice of a conversation was found to be, or to be nearest to. */
export interface ConversationPersonRow {
  conversationId: string;
  label: string;
  speakerId: string;
  named: boolean;
  cosine: number;
  llr: number | null;
  probability: number | null;
  margin: number | null;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const ConversationPersonEntity = new EntitySchema<ConversationPersonRow>({
  name: 'ConversationPerson',
  tableName: 'conversation_people',
  withoutRowid: true,
  columns: {
    conversationId: { type: 'text', name: 'conversation_id', primary: true },
    label: { type: 'text', primary: true },
    speakerId: { type: 'text', name: 'speaker_id' },
    named: { type: 'boolean' },
    cosine: { type: 'real' },
    llr: { type: 'real', nullable: true },
    probability: { type: 'real', nullable: true },
    margin: { type: 'real', nullable: true },
  },
  indices: [{ name: 'conversation_people_of_speaker', columns: ['speakerId', 'conversationId'] }],
  foreignKeys: [
    {
      name: 'conversation_people_by_conversation',
      target: 'Conversation',
      columnNames: ['conversationId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
    {
      name: 'conversation_people_by_speaker',
      target: 'Speaker',
      columnNames: ['speakerId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
});

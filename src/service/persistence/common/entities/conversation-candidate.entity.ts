import { EntitySchema } from 'typeorm';

/** Somebody who may be given the name of, in a conversation that waits. */
export interface ConversationCandidateRow {
  conversationId: string;
  speakerId: string;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const ConversationCandidateEntity = new EntitySchema<ConversationCandidateRow>({
  name: 'ConversationCandidate',
  tableName: 'conversation_candidates',
  withoutRowid: true,
  columns: {
    conversationId: { type: 'text', name: 'conversation_id', primary: true },
    speakerId: { type: 'text', name: 'speaker_id', primary: true },
  },
  indices: [{ name: 'conversation_candidates_of_speaker', columns: ['speakerId', 'conversationId'] }],
  foreignKeys: [
    {
      name: 'conversation_candidates_by_conversation',
      target: 'Conversation',
      columnNames: ['conversationId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
    {
      name: 'conversation_candidates_by_speaker',
      target: 'Speaker',
      columnNames: ['speakerId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
});

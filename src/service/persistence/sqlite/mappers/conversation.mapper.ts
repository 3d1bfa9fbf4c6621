import type {
  Conversation,
  ConversationFindings,
  ConversationQuestion,
  ListedConversation,
} from '../../../records/conversation.js';
import type { ConversationRow } from '../entities/conversation.entity.js';

/** A row of a list. */
export type ListedRow = CommonRow & Pick<ListedConversation, 'seconds' | 'speakers'>;

type CommonRow = Omit<ConversationRow, 'question' | 'findings'>;
type Common = Omit<Conversation, 'question' | 'findings'>;

function toCommon({ id, state, createdAt, finishedAt, jobId, fileName, errorCode, errorMessage }: CommonRow): Common {
  return {
    id,
    state,
    createdAt: new Date(createdAt),
    finishedAt: finishedAt === null ? null : new Date(finishedAt),
    jobId,
    fileName,
    error: errorCode === null ? null : { code: errorCode, message: errorMessage ?? '' },
  };
}

export function toConversation(row: ConversationRow): Conversation {
  return {
    ...toCommon(row),
    question: JSON.parse(row.question) as ConversationQuestion,
    findings: row.findings === null ? null : (JSON.parse(row.findings) as ConversationFindings),
  };
}

export function toListedConversation(row: ListedRow): ListedConversation {
  return { ...toCommon(row), seconds: row.seconds, speakers: row.speakers };
}

export function toConversationRow(conversation: Conversation): ConversationRow {
  const { id, state, createdAt, finishedAt, jobId, fileName, question, findings, error } = conversation;
  return {
    id,
    state,
    createdAt: createdAt.getTime(),
    finishedAt: finishedAt?.getTime() ?? null,
    jobId,
    fileName,
    question: JSON.stringify(question),
    findings: findings && JSON.stringify(findings),
    errorCode: error?.code ?? null,
    errorMessage: error?.message ?? null,
  };
}

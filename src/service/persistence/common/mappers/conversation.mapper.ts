import type {
  Conversation,
  ConversationFindings,
  ConversationQuestion,
  ListedConversation,
  NearestPerson,
} from '../../../records/conversation.js';
import type { KeptLabel } from '../../../records/unknown-voice.js';
import type { GroupRef } from '../../../../support/group-ref.js';
import type { ConversationPersonRow } from '../entities/conversation-person.entity.js';
import type { ConversationRow } from '../entities/conversation.entity.js';
import { boundToText } from './job.mapper.js';

/** A row of a list. */
export type ListedRow = CommonRow & Pick<ListedConversation, 'seconds' | 'speakers'>;

type CommonRow = Omit<ConversationRow, 'question' | 'findings' | 'boundTo'>;
type Common = Omit<Conversation, 'question' | 'findings' | 'boundTo' | 'people' | 'kept'>;
type KeptRow = KeptLabel & { conversationId: string };

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

export function toConversation(
  row: ConversationRow,
  people: readonly ConversationPersonRow[],
  kept: readonly KeptRow[],
): Conversation {
  return {
    ...toCommon(row),
    question: JSON.parse(row.question) as ConversationQuestion,
    boundTo: row.boundTo === null ? null : (JSON.parse(row.boundTo) as GroupRef[]),
    findings: row.findings === null ? null : toFindings(row.findings),
    people: people.map(toPerson),
    kept: kept.map(toKept),
  };
}

/** One of before names were looked for has none of what came with them. */
function toFindings(text: string): ConversationFindings {
  const findings = JSON.parse(text) as ConversationFindings;
  const unnamed = { reason: null, missingSeconds: 0, sameAs: null };
  return {
    ...findings,
    speakers: findings.speakers.map((speaker) => ({ ...unnamed, ...speaker })),
    naming: (findings as Partial<ConversationFindings>).naming ?? null,
  };
}

export function toListedConversation(
  row: ListedRow,
  people: readonly ConversationPersonRow[],
  kept: readonly KeptRow[],
): ListedConversation {
  const { seconds, speakers } = row;
  return { ...toCommon(row), seconds, speakers, people: people.map(toPerson), kept: kept.map(toKept) };
}

function toKept({ conversationId: _, ...kept }: KeptRow): KeptLabel {
  return kept;
}

export function toPerson({ conversationId: _, ...person }: ConversationPersonRow): NearestPerson {
  return person;
}

export function toConversationRow(conversation: Conversation): ConversationRow {
  const { id, state, createdAt, finishedAt, jobId, fileName, question, findings, error, boundTo } = conversation;
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
    boundTo: boundToText(boundTo),
  };
}

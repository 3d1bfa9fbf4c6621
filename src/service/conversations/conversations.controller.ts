import { Delete, Get, HttpCode, Param, Post, Query, Req, Res, UseInterceptors } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
} from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import { extname } from 'node:path';
import { z } from 'zod';
import type { EmbedOptions } from '../../addon/types.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { writeRttm } from '../../evaluation/rttm.js';
import { writeWebVtt } from '../../conversations/webvtt.js';
import { Steps } from '../../support/steps.js';
import { ApiController } from '../access/api-controller.js';
import { requireMayAsk } from '../access/asked-rate.js';
import { BoundKeys } from '../access/bound-keys.js';
import { may, requireMay } from '../access/may.js';
import { RequireScope } from '../access/scope.js';
import { Config } from '../config/config.js';
import { ApiErrors } from '../http/api-errors.js';
import { PREFERENCE_APPLIED, prefersAsync, RESPOND_ASYNC, TakesPrefer } from '../http/prefer.js';
import { prefixOf } from '../http/prefix.js';
import { Bounds, rawRequest } from '../http/request-context.js';
import { IdempotencyKey, REPLAYED_HEADER, TakesIdempotencyKey } from '../idempotency/idempotency-key.js';
import { Idempotency, requestDigest } from '../idempotency/idempotency.js';
import type { Conversation } from '../records/conversation.js';
import type { Recording } from '../uploads/recording.js';
import { AcceptsRecordings, FormFields, Recordings } from '../uploads/uploads.decorator.js';
import { answerType, JSON_TYPE, RTTM, WEBVTT } from './answer-type.js';
import { ConversationAdmission } from './conversation-admission.interceptor.js';
import {
  calledBy,
  conversationFields,
  conversationsView,
  conversationView,
  EXAMPLE_ID,
  listConversations,
  toConversationSummary,
  toConversationView,
  type ConversationFields,
  type ConversationsView,
  type ConversationView,
} from './conversations.dto.js';
import { ConversationsService, type ToldConversation } from './conversations.service.js';

/** A conversation in each form that it is answered in. */
const FORMS = {
  [JSON_TYPE]: { schema: z.toJSONSchema(conversationView, { target: 'openapi-3.0', io: 'output' }) as object },
  [RTTM]: { schema: { type: 'string', example: 'SPEAKER meeting 1 0.530 3.590 <NA> <NA> A <NA> <NA>\n' } },
  [WEBVTT]: { schema: { type: 'string', example: 'WEBVTT\n\n00:00:00.530 --> 00:00:04.120\n<v A>A</v>\n' } },
};

const LOCATION = { location: { description: '`/v1/conversations/<id>`', schema: { type: 'string' } } } as const;

@ApiController('v1/conversations', 'Conversations')
@RequireScope('read')
@BoundKeys('members')
@ApiErrors('STORAGE_UNAVAILABLE')
export class ConversationsController {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly idempotency: Idempotency,
    private readonly config: Config,
    private readonly host: HttpAdapterHost,
  ) {}

  @Post()
  @RequireScope('enrol')
  @AcceptsRecordings({ audio: { min: 1, max: 1 } }, conversationFields, { becomesJob: prefersAsync })
  // Runs before what the line above adds: the last decorator is the first to be applied.
  @UseInterceptors(ConversationAdmission)
  @TakesIdempotencyKey()
  @TakesPrefer()
  @ApiOperation({
    summary: 'Who speaks when in a recording with several voices',
    description:
      'Turns with labels, A, B, ... in the order in which people first speak. A recording of at most ' +
      'TIMBRE_DIRECT_CONVERSATION_SECONDS is answered at once with 201. A longer one, or one with `Prefer: ' +
      'respond-async`, is answered with 202: its job (`jobId`, with events) outlives the request and the process, and ' +
      '`GET /v1/conversations/:id` has the turns once it is done. A recording in which nobody is heard has no turns. With ' +
      '`names=all`, `group` or `candidates` each voice has the name of an enrolled speaker, or a reason why it has none.',
    operationId: 'createConversation',
  })
  @ApiCreatedResponse({ description: 'It is done.', standardSchema: conversationView, headers: LOCATION })
  @ApiAcceptedResponse({ description: 'It waits for its job.', standardSchema: conversationView, headers: LOCATION })
  @ApiErrors(
    'CONVERSATIONS_OFF',
    'UNKNOWN_VOICES_OFF',
    'CONFLICT',
    'CONVERSATION_NOT_FOUND',
    'SPEAKER_NOT_FOUND',
    'GROUP_NOT_FOUND',
    'MODEL_NOT_READY',
    'MODEL_INVALID',
    'IDEMPOTENCY_KEY_REUSED',
    'OVERLOADED',
    'WRITE_FAILED',
    'STORAGE_FULL',
  )
  async create(
    @Recordings() [recording]: [Recording],
    @FormFields() question: ConversationFields,
    @Bounds() bounds: EmbedOptions,
    @IdempotencyKey() key: string | undefined,
    @Req() request: IncomingMessage,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<ConversationView> {
    const later = prefersAsync(rawRequest(request));
    requireMayAsk(request, question.falseAcceptRate, this.config);
    if (question.names === 'all' || question.group !== undefined || question.candidates) {
      requireMay(request, 'read', 'names of voices');
    }
    const { filename, sha256 } = recording;
    const digest = await requestDigest(['conversation', question, later, { filename, sha256 }], new Steps());
    // What is kept of the answer is where it is found: turns go with their conversation.
    const { answer, repeated } = await this.idempotency.once<{ id: string }>(key, digest, bounds, async (keep) => {
      const { id } = await this.conversations.create(recording, question, { ...bounds, later }, (records, made) =>
        keep(records, { id: made.id }, null),
      );
      return { id };
    });
    const told = await this.conversations.get(answer.id);
    const { conversation } = told;
    const { httpAdapter } = this.host;
    httpAdapter.status(response, conversation.state === 'waiting' ? 202 : 201);
    const prefix = prefixOf(request, '/v1/conversations');
    httpAdapter.setHeader(response, 'location', `${prefix}/v1/conversations/${conversation.id}`);
    if (later) httpAdapter.setHeader(response, PREFERENCE_APPLIED, RESPOND_ASYNC);
    if (repeated) httpAdapter.setHeader(response, REPLAYED_HEADER, 'true');
    return this.view(told, request);
  }

  @Get()
  @ApiOperation({ summary: 'List conversations, newest first', operationId: 'listConversations' })
  @ApiOkResponse({ description: 'One page, without the turns.', standardSchema: conversationsView })
  async list(
    @Query({ schema: listConversations }) query: z.output<typeof listConversations>,
  ): Promise<ConversationsView> {
    const { conversations, speakers, total, nextCursor } = await this.conversations.page(query.limit, query.cursor);
    const summaries = conversations.map((conversation) => toConversationSummary(conversation, speakers));
    return { conversations: summaries, total, nextCursor };
  }

  @Get(':id')
  @ApiOperation({
    summary: 'A conversation, with its turns once it is done',
    description: `As JSON, or by \`Accept\` as an RTTM (\`${RTTM}\`) or WebVTT (\`${WEBVTT}\`) of one that is done.`,
    operationId: 'getConversation',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_ID })
  @ApiOkResponse({ description: 'The conversation.', content: FORMS })
  @ApiErrors('CONVERSATION_NOT_FOUND', 'CONVERSATION_NOT_DONE', 'ANSWER_TYPE_UNSUPPORTED')
  async get(
    @Param('id') id: string,
    @Req() request: IncomingMessage,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<ConversationView | string> {
    const type = answerType(rawRequest(request));
    const told = await this.conversations.get(id);
    this.host.httpAdapter.setHeader(response, 'vary', 'Accept');
    if (type === JSON_TYPE) return this.view(told, request);
    const { conversation, speakers } = told;
    const { findings, state } = conversation;
    if (!findings) {
      throw new TimbreError(
        'CONVERSATION_NOT_DONE',
        `the conversation is ${state}, and has no turns to write as ${type}`,
      );
    }
    this.host.httpAdapter.setHeader(response, 'content-type', `${type}; charset=utf-8`);
    const called = calledBy(type === RTTM ? 'id' : 'name', conversation, speakers);
    const turns = findings.turns.map((turn) => ({ ...turn, speaker: called.get(turn.speaker) ?? turn.speaker }));
    return type === RTTM
      ? writeRttm(rttmName(conversation), turns)
      : writeWebVtt(turns.map((turn) => ({ ...turn, text: turn.speaker })));
  }

  @Delete(':id')
  @HttpCode(204)
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Erase a conversation',
    description:
      'Its turns go, what unknown voices have of it, and its recording where its job is not done with it; the job is cancelled.',
    operationId: 'removeConversation',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_ID })
  @ApiNoContentResponse({ description: 'Erased.' })
  @ApiErrors('CONVERSATION_NOT_FOUND', 'CONFLICT', 'STORAGE_FULL')
  async remove(@Param('id') id: string): Promise<void> {
    await this.conversations.remove(id);
  }

  private view({ conversation, speakers }: ToldConversation, request: IncomingMessage): ConversationView {
    const progress = this.conversations.progressOf(conversation.id);
    return toConversationView(conversation, speakers, may(request, 'vectors'), progress);
  }
}

/** What the recording is called in an RTTM: its file's name, or the conversation's id. */
function rttmName({ id, fileName }: Conversation): string {
  const name = fileName ?? '';
  return name.slice(0, name.length - extname(name).length) || id;
}

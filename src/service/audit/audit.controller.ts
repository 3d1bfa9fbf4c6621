import { Get, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import { Steps } from '../../support/steps.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { ApiController } from '../access/api-controller.js';
import { ApiErrors } from '../http/api-errors.js';
import { contextOf } from '../http/request-context.js';
import { streamAnswer, type HostResponse } from '../http/stream-answer.js';
import {
  auditFilter,
  auditQuery,
  auditView,
  toAuditEntryView,
  type AuditFilterQuery,
  type AuditQuery,
  type AuditView,
} from './audit.dto.js';
import { AuditService, type NamedEntry } from './audit.service.js';

const EXPORT_EXAMPLE = '{"id":4711,"at":"2026-03-01T09:30:00.000Z","by":"local","action":"enrollment.added",...}\n';

@ApiController('v1/audit', 'Privacy')
@RequireScope('admin')
@BoundKeys('members')
export class AuditController {
  constructor(private readonly audit: AuditService) {}

  @Get()
  @ApiOperation({
    summary: 'Who did what to whom, oldest first',
    description:
      'Without audio, vectors or names. Entries cannot be changed; they go by age alone (TIMBRE_AUDIT_DAYS). A key that is ' +
      'bound to groups names one of their speakers.',
    operationId: 'listAudit',
  })
  @ApiOkResponse({ description: 'One page.', standardSchema: auditView })
  @ApiErrors('SPEAKER_NOT_FOUND', 'FORBIDDEN_GROUP', 'STORAGE_UNAVAILABLE')
  async list(@Query({ schema: auditQuery }) query: AuditQuery): Promise<AuditView> {
    const { entries, nextCursor } = await this.audit.page(query);
    return { entries: entries.map(({ entry, speakerId }) => toAuditEntryView(entry, speakerId)), nextCursor };
  }

  @Get('export')
  @ApiOperation({
    summary: 'The same as one document, an entry a line',
    description:
      'All of one moment, and sent as it is read; the last line is whole unless the connection broke. Within a span of ' +
      'time the entries are in the order of their times.',
    operationId: 'exportAudit',
  })
  @ApiProduces('application/x-ndjson')
  @ApiOkResponse({ description: 'The entries as JSON lines.', schema: { type: 'string', example: EXPORT_EXAMPLE } })
  @ApiErrors('SPEAKER_NOT_FOUND', 'FORBIDDEN_GROUP', 'OVERLOADED', 'DEADLINE_EXCEEDED', 'STORAGE_UNAVAILABLE')
  export(
    @Query({ schema: auditFilter }) query: AuditFilterQuery,
    @Req() request: IncomingMessage,
    @Res() response: HostResponse,
  ): Promise<void> {
    const headers = { 'content-type': 'application/x-ndjson; charset=utf-8', 'cache-control': 'no-store' };
    const pages = this.audit.export(query, new Steps(contextOf(request)));
    return streamAnswer(request, response, headers, linesOf(pages));
  }
}

async function* linesOf(pages: AsyncGenerator<NamedEntry[]>): AsyncGenerator<string> {
  for await (const entries of pages) {
    yield entries.map(({ entry, speakerId }) => `${JSON.stringify(toAuditEntryView(entry, speakerId))}\n`).join('');
  }
}

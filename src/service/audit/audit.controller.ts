import { Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { RequireScope } from '../access/scope.js';
import { ApiController } from '../access/api-controller.js';
import { ApiErrors } from '../http/api-errors.js';
import { auditQuery, auditView, toAuditEntryView, type AuditQuery, type AuditView } from './audit.dto.js';
import { AuditService } from './audit.service.js';

@ApiController('v1/audit', 'Privacy')
@RequireScope('admin')
export class AuditController {
  constructor(private readonly audit: AuditService) {}

  @Get()
  @ApiOperation({
    summary: 'Who did what to whom, oldest first',
    description:
      'Without audio, vectors or names. Entries cannot be changed; they go by age alone (TIMBRE_AUDIT_DAYS).',
    operationId: 'listAudit',
  })
  @ApiOkResponse({ description: 'One page.', standardSchema: auditView })
  @ApiErrors('SPEAKER_NOT_FOUND', 'STORAGE_UNAVAILABLE')
  async list(@Query({ schema: auditQuery }) query: AuditQuery): Promise<AuditView> {
    const { entries, nextCursor } = await this.audit.page(query);
    return { entries: entries.map(({ entry, speakerId }) => toAuditEntryView(entry, speakerId)), nextCursor };
  }
}

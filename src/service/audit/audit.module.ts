import { Module } from '@nestjs/common';
import { AuditTrail } from './audit-trail.js';
import { AuditService } from './audit.service.js';

@Module({ providers: [AuditTrail, AuditService], exports: [AuditTrail, AuditService] })
export class AuditModule {}

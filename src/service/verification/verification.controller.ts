import { HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import { requireMayAsk } from '../access/asked-rate.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import type { EmbedOptions } from '../../addon/types.js';
import { ApiController } from '../access/api-controller.js';
import { Config } from '../config/config.js';
import { ApiErrors } from '../http/api-errors.js';
import { Bounds } from '../http/request-context.js';
import type { Recording } from '../uploads/recording.js';
import { chosen } from '../uploads/selection.js';
import { AcceptsRecordings, FormFields, Recordings } from '../uploads/uploads.decorator.js';
import { verificationView, verifyFields, type VerificationView, type VerifyFields } from './verification.dto.js';
import { VerificationService } from './verification.service.js';

@ApiController('v1/speakers/:id', 'Verification')
@RequireScope('read')
@BoundKeys('members')
export class VerificationController {
  constructor(
    private readonly verification: VerificationService,
    private readonly config: Config,
  ) {}

  @Post('verify')
  @HttpCode(200)
  @AcceptsRecordings({ audio: { min: 1, max: 1 } }, verifyFields)
  @ApiOperation({ summary: 'Is this the speaker?', operationId: 'verifySpeaker' })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'The decision, and what it was made of.', standardSchema: verificationView })
  @ApiErrors('SPEAKER_NOT_FOUND', 'MODEL_MISMATCH', 'STORAGE_UNAVAILABLE')
  verify(
    @Param('id') id: string,
    @Recordings() [recording]: [Recording],
    @FormFields() { falseAcceptRate, ...part }: VerifyFields,
    @Req() request: IncomingMessage,
    @Bounds() bounds: EmbedOptions,
  ): Promise<VerificationView> {
    requireMayAsk(request, falseAcceptRate, this.config);
    return this.verification.verify(id, recording, { ...bounds, ...chosen(part) }, falseAcceptRate);
  }
}

import { HttpCode, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import { ApiController } from '../access/api-controller.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { ApiErrors } from '../http/api-errors.js';
import { LearningService } from './learning.service.js';
import { confirmView, toConfirmView, type ConfirmView } from './profiles.dto.js';

@ApiController('v1/verifications', 'Profiles')
@RequireScope('enrol')
@BoundKeys('members')
export class VerificationsController {
  constructor(private readonly learning: LearningService) {}

  @Post(':id/confirm')
  @HttpCode(200)
  @ApiOperation({
    summary: "Say that a verified recording is the speaker's, so that the profile learns it",
    description:
      'Within TIMBRE_CONFIRM_MINUTES, once. The gates on quality, agreement and a second person stand; that on evidence does not.',
    operationId: 'confirmVerification',
  })
  @ApiParam({ name: 'id', example: '5a1f3c0c-77d4-4f0c-8a43-0c1f2b9e6d20' })
  @ApiOkResponse({ description: 'Whether it was learned, and why not.', standardSchema: confirmView })
  @ApiErrors(
    'VERIFICATION_NOT_FOUND',
    'OPTED_OUT',
    'CONSENT_REQUIRED',
    'MODEL_MISMATCH',
    'MODEL_NOT_READY',
    'CONFLICT',
    'STORAGE_UNAVAILABLE',
    'STORAGE_FULL',
    'STORAGE_INVALID',
  )
  async confirm(@Param('id') id: string): Promise<ConfirmView> {
    return toConfirmView(await this.learning.confirm(id));
  }
}

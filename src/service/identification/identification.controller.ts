import { HttpCode, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import { requireMayAsk } from '../access/asked-rate.js';
import { may } from '../access/may.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import type { EmbedOptions } from '../../addon/types.js';
import { ApiController } from '../access/api-controller.js';
import { Config } from '../config/config.js';
import { ApiErrors } from '../http/api-errors.js';
import { Bounds } from '../http/request-context.js';
import type { Recording } from '../uploads/recording.js';
import { AcceptsRecordings, FormFields, Recordings } from '../uploads/uploads.decorator.js';
import {
  identificationView,
  identifyFields,
  type IdentificationView,
  type IdentifyFields,
} from './identification.dto.js';
import { IdentificationService } from './identification.service.js';

@ApiController('v1', 'Identification')
@RequireScope('read')
@BoundKeys('members')
export class IdentificationController {
  constructor(
    private readonly identification: IdentificationService,
    private readonly config: Config,
  ) {}

  @Post('identify')
  @HttpCode(200)
  @AcceptsRecordings({ audio: { min: 1, max: 1 } }, identifyFields)
  @ApiOperation({
    summary: 'Whose voice is this?',
    description:
      'Open set: the answer can be that it is nobody who is enrolled. Then whom the voice is nearest to is told to keys of the ' +
      'scope `vectors` alone.',
    operationId: 'identifySpeaker',
  })
  @ApiOkResponse({ description: 'The decision and the ranking.', standardSchema: identificationView })
  @ApiErrors('SPEAKER_NOT_FOUND', 'GROUP_NOT_FOUND', 'STORAGE_UNAVAILABLE', 'STORAGE_FULL')
  identify(
    @Recordings() [recording]: [Recording],
    @FormFields() fields: IdentifyFields,
    @Req() request: IncomingMessage,
    @Bounds() bounds: EmbedOptions,
  ): Promise<IdentificationView> {
    requireMayAsk(request, fields.falseAcceptRate, this.config);
    return this.identification.identify(recording, fields, bounds, may(request, 'vectors'));
  }
}

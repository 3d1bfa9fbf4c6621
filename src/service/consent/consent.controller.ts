import { Body, Delete, Get, Param, Put, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import type { z } from 'zod';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { ApiController } from '../access/api-controller.js';
import { ApiErrors } from '../http/api-errors.js';
import { ConsentPolicy } from './consent-policy.js';
import {
  consentsView,
  consentView,
  giveConsent,
  listConsents,
  toConsentView,
  toGivenConsent,
  toPastConsentView,
  type ConsentsView,
  type ConsentView,
  type GiveConsent,
} from './consent.dto.js';
import { ConsentService } from './consent.service.js';

@ApiController('v1/speakers/:id/consent', 'Privacy')
@RequireScope('enrol')
@BoundKeys('members')
@ApiErrors('SPEAKER_NOT_FOUND', 'STORAGE_UNAVAILABLE')
export class ConsentController {
  constructor(
    private readonly consent: ConsentService,
    private readonly policy: ConsentPolicy,
  ) {}

  @Get()
  @RequireScope('read')
  @ApiOperation({ summary: "The speaker's consent", operationId: 'getConsent' })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'What is recorded.', standardSchema: consentView })
  async get(@Param('id') id: string): Promise<ConsentView> {
    return toConsentView(await this.consent.get(id), this.policy.required);
  }

  @Get('history')
  @RequireScope('read')
  @ApiOperation({ summary: 'Every consent of the speaker, oldest first', operationId: 'listConsents' })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'One page.', standardSchema: consentsView })
  async history(
    @Param('id') id: string,
    @Query({ schema: listConsents }) query: z.output<typeof listConsents>,
  ): Promise<ConsentsView> {
    const { rows, nextCursor } = await this.consent.history(id, query.limit, query.cursor);
    return { consents: rows.map(toPastConsentView), nextCursor };
  }

  @Put()
  @ApiOperation({
    summary: "Record the speaker's consent",
    description:
      'In the place of an earlier one, which the history keeps. A speaker who had opted out is enrolled and matched again; ' +
      'that needs a key of the scope `admin`.',
    operationId: 'giveConsent',
  })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'What is recorded now.', standardSchema: consentView })
  @ApiErrors('SPEAKER_NOT_FOUND', 'CONFLICT', 'STORAGE_FULL')
  async give(@Param('id') id: string, @Body({ schema: giveConsent }) body: GiveConsent): Promise<ConsentView> {
    return toConsentView(await this.consent.give(id, toGivenConsent(body)), this.policy.required);
  }

  @Delete()
  @ApiOperation({
    summary: "Withdraw the speaker's consent: opt out",
    description:
      'From now on the speaker is not enrolled (OPTED_OUT), not verified (decision OPTED_OUT) and not identified. What ' +
      'is stored stays until the speaker is erased.',
    operationId: 'withdrawConsent',
  })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'What is recorded now.', standardSchema: consentView })
  @ApiErrors('SPEAKER_NOT_FOUND', 'CONFLICT', 'STORAGE_FULL')
  async withdraw(@Param('id') id: string): Promise<ConsentView> {
    return toConsentView(await this.consent.withdraw(id), this.policy.required);
  }
}

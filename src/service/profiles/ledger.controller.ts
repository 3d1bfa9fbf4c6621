import { Body, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import type { z } from 'zod';
import { ApiController } from '../access/api-controller.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { Config } from '../config/config.js';
import { toGivenConsent } from '../consent/consent.dto.js';
import { ApiErrors } from '../http/api-errors.js';
import { toSpeakerView, type SpeakerView } from '../speakers/speakers.dto.js';
import { SpeakersService } from '../speakers/speakers.service.js';
import { LedgerService } from './ledger.service.js';
import { MergeService } from './merge.service.js';
import {
  learningView,
  ledgerEntryView,
  ledgerView,
  listLedger,
  mergedView,
  mergeSpeaker,
  setLearning,
  splitSpeaker,
  splitView,
  toLearningView,
  toLedgerEntryView,
  undoneView,
  undoSince,
  type LearningView,
  type LedgerEntryView,
  type LedgerView,
  type MergedView,
  type SplitView,
  type UndoneView,
} from './profiles.dto.js';

@ApiController('v1/speakers/:id', 'Profiles')
@RequireScope('read')
@BoundKeys('members')
@ApiErrors('SPEAKER_NOT_FOUND', 'STORAGE_UNAVAILABLE')
export class LedgerController {
  constructor(
    private readonly ledger: LedgerService,
    private readonly merging: MergeService,
    private readonly speakers: SpeakersService,
    private readonly config: Config,
  ) {}

  @Get('ledger')
  @ApiOperation({ summary: "Every change of the speaker's profile, newest first", operationId: 'listLedger' })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'One page.', standardSchema: ledgerView })
  async list(
    @Param('id') id: string,
    @Query({ schema: listLedger }) query: z.output<typeof listLedger>,
  ): Promise<LedgerView> {
    const { rows, nextCursor } = await this.ledger.page(id, query.limit, query.cursor);
    return { entries: rows.map(toLedgerEntryView), nextCursor };
  }

  @Post('ledger/undo')
  @HttpCode(200)
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Undo all changes since a moment',
    description:
      'All that were learned, confirmed, merged or split, in one step. Recordings that were learned are deleted for good; ' +
      'the profile is made of those that remain. Enrolments stay.',
    operationId: 'undoSince',
  })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'What was undone.', standardSchema: undoneView })
  @ApiErrors('SPEAKER_NOT_FOUND', 'CONFLICT', 'MODEL_NOT_READY', 'STORAGE_FULL', 'STORAGE_INVALID')
  async undoSince(
    @Param('id') id: string,
    @Body({ schema: undoSince }) { since }: z.output<typeof undoSince>,
  ): Promise<UndoneView> {
    const { undone, left } = await this.ledger.undoSince(id, new Date(since));
    return { undone: undone.map((entry) => entry.id), left: left.map((entry) => entry.id) };
  }

  @Post('ledger/:entryId/undo')
  @HttpCode(200)
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Undo one change',
    description: 'As `POST /v1/speakers/{id}/ledger/undo`, of one entry.',
    operationId: 'undoEntry',
  })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'The entry as it is now.', standardSchema: ledgerEntryView })
  @ApiErrors(
    'SPEAKER_NOT_FOUND',
    'LEDGER_ENTRY_NOT_FOUND',
    'LEDGER_ENTRY_UNDONE',
    'LEDGER_ENTRY_FINAL',
    'CONFLICT',
    'MODEL_NOT_READY',
    'STORAGE_FULL',
    'STORAGE_INVALID',
  )
  async undo(@Param('id') id: string, @Param('entryId') entryId: string): Promise<LedgerEntryView> {
    return toLedgerEntryView(await this.ledger.undo(id, entryId));
  }

  @Get('learning')
  @ApiOperation({ summary: 'Whether the profile learns', operationId: 'getLearning' })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'What is set, and what comes of it.', standardSchema: learningView })
  async learning(@Param('id') id: string): Promise<LearningView> {
    return toLearningView(await this.ledger.learningOf(id));
  }

  @Put('learning')
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Switch learning on or off, freeze the profile',
    description:
      'What is left out stays as it is. Verifications that wait to be confirmed go when the profile learns no more.',
    operationId: 'setLearning',
  })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'What is set now, and what comes of it.', standardSchema: learningView })
  @ApiErrors('SPEAKER_NOT_FOUND', 'CONFLICT', 'STORAGE_FULL')
  async setLearning(
    @Param('id') id: string,
    @Body({ schema: setLearning }) body: z.output<typeof setLearning>,
  ): Promise<LearningView> {
    return toLearningView(await this.ledger.setLearning(id, body));
  }

  @Post('merge')
  @HttpCode(200)
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Take over the recordings of another speaker who is the same person',
    description:
      'The other one stays, without recordings, until it is erased. Consent is the stricter of both. Undone by the entry of ' +
      'either ledger while both are there.',
    operationId: 'mergeSpeakers',
  })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'The speaker with the recordings of both.', standardSchema: mergedView })
  @ApiErrors(
    'SPEAKER_NOT_FOUND',
    'OPTED_OUT',
    'CONSENT_REQUIRED',
    'CONFLICT',
    'MODEL_NOT_READY',
    'STORAGE_FULL',
    'STORAGE_INVALID',
  )
  async merge(
    @Param('id') id: string,
    @Body({ schema: mergeSpeaker }) { from }: z.output<typeof mergeSpeaker>,
  ): Promise<MergedView> {
    const { speaker, entry } = await this.merging.merge(id, from);
    return { speaker: await this.view(speaker.id), ledgerEntry: entry.id };
  }

  @Post('split')
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Give recordings to a new speaker, because they are another person',
    description:
      'The new one belongs to the same groups and needs a consent of its own. Undone by the entry of either ledger.',
    operationId: 'splitSpeaker',
  })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiCreatedResponse({ description: 'Both speakers.', standardSchema: splitView })
  @ApiErrors(
    'SPEAKER_NOT_FOUND',
    'ENROLLMENT_NOT_FOUND',
    'SPEAKER_EXISTS',
    'OPTED_OUT',
    'CONSENT_REQUIRED',
    'CONFLICT',
    'MODEL_NOT_READY',
    'STORAGE_FULL',
    'STORAGE_INVALID',
  )
  async split(
    @Param('id') id: string,
    @Body({ schema: splitSpeaker }) { recordings, consent, ...given }: z.output<typeof splitSpeaker>,
  ): Promise<SplitView> {
    const to = { ...given, consent: consent && toGivenConsent(consent) };
    const { speaker, made, entry } = await this.merging.split(id, recordings, to);
    return { speaker: await this.view(speaker.id), split: await this.view(made.id), ledgerEntry: entry.id };
  }

  private async view(id: string): Promise<SpeakerView> {
    return toSpeakerView(await this.speakers.get(id), this.config.enrollmentSeconds);
  }
}

import { Body, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import type { z } from 'zod';
import { ApiController } from '../access/api-controller.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { Config } from '../config/config.js';
import { toGivenConsent } from '../consent/consent.dto.js';
import { ApiErrors } from '../http/api-errors.js';
import {
  EXAMPLE_ID,
  listUnknownVoices,
  listVoiceLedger,
  mergeVoice,
  nameVoice,
  reassignVoice,
  splitVoice,
  steppedView,
  takenBackView,
  takeStep,
  toUnknownVoiceSummary,
  toUnknownVoiceView,
  toVoiceStepView,
  unknownVoicesView,
  unknownVoiceView,
  voiceLedgerView,
  type SteppedView,
  type TakenBackView,
  type UnknownVoicesView,
  type UnknownVoiceView,
  type VoiceLedgerView,
} from './unknown-voices.dto.js';
import { UnknownVoicesService, type Stepped } from './unknown-voices.service.js';

@ApiController('v1/unknown-voices', 'Unknown voices')
@RequireScope('read')
@BoundKeys('members')
@ApiErrors('STORAGE_UNAVAILABLE', 'STORAGE_INVALID')
export class UnknownVoicesController {
  constructor(
    private readonly voices: UnknownVoicesService,
    private readonly config: Config,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Voices of conversations that got no name, most speech first',
    description:
      'Kept where TIMBRE_UNKNOWN_VOICES is on. Voices of several conversations are one where the evidence says so, at ' +
      'TIMBRE_UNKNOWN_VOICE_FALSE_ACCEPT_RATE; none is ever joined with a speaker unless somebody says so.',
    operationId: 'listUnknownVoices',
  })
  @ApiOkResponse({ description: 'One page.', standardSchema: unknownVoicesView })
  async list(
    @Query({ schema: listUnknownVoices }) query: z.output<typeof listUnknownVoices>,
  ): Promise<UnknownVoicesView> {
    const { voices, total, nextCursor } = await this.voices.page(query.state, query.limit, query.cursor);
    const { unknownVoiceDays } = this.config;
    return { voices: voices.map((one) => toUnknownVoiceSummary(one, unknownVoiceDays)), total, nextCursor };
  }

  @Get(':id')
  @ApiOperation({ summary: 'An unknown voice, and where it was heard', operationId: 'getUnknownVoice' })
  @ApiParam({ name: 'id', example: EXAMPLE_ID })
  @ApiOkResponse({ description: 'The voice.', standardSchema: unknownVoiceView })
  @ApiErrors('UNKNOWN_VOICE_NOT_FOUND')
  get(@Param('id') id: string): Promise<UnknownVoiceView> {
    return this.view(id);
  }

  @Delete(':id')
  @HttpCode(204)
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Delete an unknown voice for good',
    description:
      'With its ledger, and the voices that were merged into it. Of one that is named, the recordings of the speaker stay; of one ' +
      'that is blocked, the block ends.',
    operationId: 'deleteUnknownVoice',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_ID })
  @ApiNoContentResponse({ description: 'Deleted.' })
  @ApiErrors('UNKNOWN_VOICE_NOT_FOUND', 'STORAGE_FULL')
  async delete(@Param('id') id: string): Promise<void> {
    await this.voices.delete(id);
  }

  @Post(':id/name')
  @HttpCode(200)
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Say whose voice it is',
    description:
      'A speaker who is there (`speakerId`), or who is added (`create`). What conversations have of the voice becomes ' +
      "recordings of the speaker's profile, under the rules of consent of every enrolment, and their turns have the name.",
    operationId: 'nameUnknownVoice',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_ID })
  @ApiOkResponse({ description: 'The voice, named.', standardSchema: steppedView })
  @ApiErrors(
    'UNKNOWN_VOICE_NOT_FOUND',
    'UNKNOWN_VOICE_SETTLED',
    'SPEAKER_NOT_FOUND',
    'SPEAKER_EXISTS',
    'GROUP_NOT_FOUND',
    'CONSENT_REQUIRED',
    'OPTED_OUT',
    'CONFLICT',
    'MODEL_NOT_READY',
    'STORAGE_FULL',
  )
  async name(
    @Param('id') id: string,
    @Body({ schema: nameVoice }) { consent, ...given }: z.output<typeof nameVoice>,
  ): Promise<SteppedView> {
    return this.stepped(await this.voices.name(id, { ...given, consent: consent && toGivenConsent(consent) }));
  }

  @Post(':id/merge')
  @HttpCode(200)
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Take over another unknown voice that is the same person',
    operationId: 'mergeUnknownVoices',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_ID })
  @ApiOkResponse({ description: 'The voice with what both had.', standardSchema: steppedView })
  @ApiErrors('UNKNOWN_VOICE_NOT_FOUND', 'UNKNOWN_VOICE_SETTLED', 'MODEL_MISMATCH', 'CONFLICT', 'STORAGE_FULL')
  async merge(
    @Param('id') id: string,
    @Body({ schema: mergeVoice }) { from, ...given }: z.output<typeof mergeVoice>,
  ): Promise<SteppedView> {
    return this.stepped(await this.voices.merge(id, from, given));
  }

  @Post(':id/split')
  @HttpCode(200)
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Make a voice of its own of some conversations, in which it is another person',
    operationId: 'splitUnknownVoice',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_ID })
  @ApiOkResponse({ description: 'The voice, and the new one as `other`.', standardSchema: steppedView })
  @ApiErrors('UNKNOWN_VOICE_NOT_FOUND', 'UNKNOWN_VOICE_SETTLED', 'CONFLICT', 'STORAGE_FULL')
  async split(
    @Param('id') id: string,
    @Body({ schema: splitVoice }) { conversations, ...given }: z.output<typeof splitVoice>,
  ): Promise<SteppedView> {
    return this.stepped(await this.voices.split(id, conversations, given));
  }

  @Post(':id/reassign')
  @HttpCode(200)
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Give the voice of a conversation to another unknown voice',
    operationId: 'reassignUnknownVoice',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_ID })
  @ApiOkResponse({ description: 'Both voices.', standardSchema: steppedView })
  @ApiErrors('UNKNOWN_VOICE_NOT_FOUND', 'UNKNOWN_VOICE_SETTLED', 'MODEL_MISMATCH', 'CONFLICT', 'STORAGE_FULL')
  async reassign(
    @Param('id') id: string,
    @Body({ schema: reassignVoice }) { conversationId, label, to, ...given }: z.output<typeof reassignVoice>,
  ): Promise<SteppedView> {
    return this.stepped(await this.voices.reassign(id, { conversationId, label, to }, given));
  }

  @Post(':id/dismiss')
  @HttpCode(200)
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Say that it is no voice',
    description: 'Music, noise, a mixture of people: it is in the inbox no more, and nothing is joined with it.',
    operationId: 'dismissUnknownVoice',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_ID })
  @ApiOkResponse({ description: 'The voice, dismissed.', standardSchema: steppedView })
  @ApiErrors('UNKNOWN_VOICE_NOT_FOUND', 'UNKNOWN_VOICE_SETTLED', 'CONFLICT', 'STORAGE_FULL')
  async dismiss(
    @Param('id') id: string,
    @Body({ schema: takeStep }) given: z.output<typeof takeStep>,
  ): Promise<SteppedView> {
    return this.stepped(await this.voices.dismiss(id, given));
  }

  @Post(':id/block')
  @HttpCode(200)
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Never keep this voice again',
    description:
      'All that was kept of it is deleted but one embedding, by which it is recognised, and for nothing else. Undone, the block is ' +
      'lifted; what was deleted does not come back.',
    operationId: 'blockUnknownVoice',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_ID })
  @ApiOkResponse({ description: 'The voice, blocked.', standardSchema: steppedView })
  @ApiErrors('UNKNOWN_VOICE_NOT_FOUND', 'UNKNOWN_VOICE_SETTLED', 'CONFLICT', 'STORAGE_FULL')
  async block(
    @Param('id') id: string,
    @Body({ schema: takeStep }) given: z.output<typeof takeStep>,
  ): Promise<SteppedView> {
    return this.stepped(await this.voices.block(id, given));
  }

  @Get(':id/ledger')
  @ApiOperation({ summary: 'Every step about the voice, newest first', operationId: 'listVoiceLedger' })
  @ApiParam({ name: 'id', example: EXAMPLE_ID })
  @ApiOkResponse({ description: 'One page.', standardSchema: voiceLedgerView })
  @ApiErrors('UNKNOWN_VOICE_NOT_FOUND')
  async ledger(
    @Param('id') id: string,
    @Query({ schema: listVoiceLedger }) query: z.output<typeof listVoiceLedger>,
  ): Promise<VoiceLedgerView> {
    const { rows, nextCursor } = await this.voices.ledger(id, query.limit, query.cursor);
    return { entries: rows.map(toVoiceStepView), nextCursor };
  }

  @Post(':id/ledger/:entryId/undo')
  @HttpCode(200)
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Undo one step about the voice',
    description:
      'Of a naming, the recordings that it made are deleted; the speaker stays. A merge is undone from either voice. What a later ' +
      'step has settled is undone first.',
    operationId: 'undoVoiceStep',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_ID })
  @ApiOkResponse({ description: 'What is there then.', standardSchema: takenBackView })
  @ApiErrors(
    'UNKNOWN_VOICE_NOT_FOUND',
    'UNKNOWN_VOICE_SETTLED',
    'LEDGER_ENTRY_NOT_FOUND',
    'LEDGER_ENTRY_UNDONE',
    'LEDGER_ENTRY_FINAL',
    'CONFLICT',
    'MODEL_NOT_READY',
    'STORAGE_FULL',
  )
  async undo(@Param('id') id: string, @Param('entryId') entryId: string): Promise<TakenBackView> {
    const { id: left, otherId } = await this.voices.undo(id, entryId);
    return {
      voice: left === null ? null : await this.view(left),
      other: otherId === null ? null : await this.view(otherId),
    };
  }

  private async stepped({ id, otherId, step }: Stepped): Promise<SteppedView> {
    const other = otherId === null ? null : await this.view(otherId);
    return { voice: await this.view(id), other, ledgerEntry: step.id };
  }

  private async view(id: string): Promise<UnknownVoiceView> {
    return toUnknownVoiceView(await this.voices.get(id), this.config.unknownVoiceDays);
  }
}

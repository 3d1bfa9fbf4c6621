import { Body, Delete, Get, HttpStatus, Param, Patch, Post, Put, Query, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import type { z } from 'zod';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { ApiController } from '../access/api-controller.js';
import { ApiErrors } from '../http/api-errors.js';
import { toGivenConsent } from '../consent/consent.dto.js';
import { Config } from '../config/config.js';
import {
  createSpeaker,
  listSpeakers,
  putSpeaker,
  speakersView,
  speakerView,
  toSpeakerView,
  updateSpeaker,
  type SpeakersView,
  type SpeakerView,
} from './speakers.dto.js';
import type { Voice } from '../records/voice.js';
import { receiptView, toReceiptView, type ReceiptView } from './receipt.dto.js';
import { SpeakersService } from './speakers.service.js';

@ApiController('v1/speakers', 'Speakers')
@RequireScope('read')
@BoundKeys('members')
@ApiErrors('STORAGE_UNAVAILABLE')
export class SpeakersController {
  constructor(
    private readonly speakers: SpeakersService,
    private readonly host: HttpAdapterHost,
    private readonly config: Config,
  ) {}

  @Post()
  @RequireScope('enrol')
  @ApiOperation({ summary: 'Add a speaker', operationId: 'createSpeaker' })
  @ApiCreatedResponse({ description: 'The new speaker, without a voice yet.', standardSchema: speakerView })
  @ApiErrors('SPEAKER_EXISTS', 'GROUP_NOT_FOUND', 'CONFLICT', 'STORAGE_FULL')
  async create(@Body({ schema: createSpeaker }) body: z.output<typeof createSpeaker>): Promise<SpeakerView> {
    const { consent, ...rest } = body;
    const speaker = await this.speakers.create({ ...rest, consent: consent && toGivenConsent(consent) });
    return this.view({ speaker, profile: null, keptRecordings: 0 });
  }

  @Get()
  @ApiOperation({ summary: 'List speakers, oldest first, or search among them', operationId: 'listSpeakers' })
  @ApiOkResponse({ description: 'One page.', standardSchema: speakersView })
  @ApiErrors('GROUP_NOT_FOUND')
  async list(@Query({ schema: listSpeakers }) query: z.output<typeof listSpeakers>): Promise<SpeakersView> {
    const { limit, cursor, ...filter } = query;
    const { voices, total, nextCursor } = await this.speakers.page(limit, cursor, filter);
    return { speakers: voices.map((voice) => this.view(voice)), total, nextCursor };
  }

  @Get(':id')
  @ApiOperation({ summary: 'A speaker and where the enrolment stands', operationId: 'getSpeaker' })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'The speaker.', standardSchema: speakerView })
  @ApiErrors('SPEAKER_NOT_FOUND')
  async get(@Param('id') id: string): Promise<SpeakerView> {
    return this.view(await this.speakers.get(id));
  }

  @Patch(':id')
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Change the name, the groups or the metadata of a speaker',
    description: 'What is left out stays as it is.',
    operationId: 'updateSpeaker',
  })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'The speaker as changed.', standardSchema: speakerView })
  @ApiErrors('SPEAKER_NOT_FOUND', 'GROUP_NOT_FOUND', 'CONFLICT', 'STORAGE_FULL')
  async update(
    @Param('id') id: string,
    @Body({ schema: updateSpeaker }) body: z.output<typeof updateSpeaker>,
  ): Promise<SpeakerView> {
    return this.view(await this.speakers.update(id, body));
  }

  @Put(':id')
  @RequireScope('enrol')
  @ApiOperation({
    summary: 'Add a speaker, or change the one who is there',
    description:
      'The same call again changes nothing more. Of a speaker who is there, what is left out stays as it is.',
    operationId: 'putSpeaker',
  })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'The speaker was there, and is as said now.', standardSchema: speakerView })
  @ApiCreatedResponse({ description: 'The new speaker, without a voice yet.', standardSchema: speakerView })
  @ApiErrors('GROUP_NOT_FOUND', 'SPEAKER_EXISTS', 'CONFLICT', 'STORAGE_FULL')
  async put(
    @Param('id') id: string,
    @Body({ schema: putSpeaker }) body: z.output<typeof putSpeaker>,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<SpeakerView> {
    const { consent, ...changes } = body;
    const { added, ...voice } = await this.speakers.put({
      id,
      ...changes,
      consent: consent && toGivenConsent(consent),
    });
    if (added) this.host.httpAdapter.status(response, HttpStatus.CREATED);
    return this.view(voice);
  }

  @Delete(':id')
  @RequireScope('admin')
  @ApiOperation({
    summary: 'Erase a speaker for good',
    description:
      'With all enrolments and profiles; what they were made of is overwritten in the files of the database.',
    operationId: 'eraseSpeaker',
  })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({
    description: 'Erased. The receipt can be checked later at `/v1/receipts/<receipt>`.',
    standardSchema: receiptView,
  })
  @ApiErrors('SPEAKER_NOT_FOUND', 'CONFLICT', 'STORAGE_FULL')
  async erase(@Param('id') id: string): Promise<ReceiptView> {
    return toReceiptView(await this.speakers.erase(id));
  }

  private view(voice: Voice): SpeakerView {
    return toSpeakerView(voice, this.config.enrollmentSeconds);
  }
}

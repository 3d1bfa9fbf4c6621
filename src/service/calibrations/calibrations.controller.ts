import { Body, Delete, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { Steps } from '../../support/steps.js';
import { ApiController } from '../access/api-controller.js';
import { RequireScope } from '../access/scope.js';
import type { Config } from '../config/config.js';
import { ApiErrors } from '../http/api-errors.js';
import { TakesLargeJson } from '../http/json-limits.js';
import type { JsonLimits } from '../http/json-reader.js';
import { contextOf } from '../http/request-context.js';
import { streamAnswer, type HostResponse } from '../http/stream-answer.js';
import { calibrationNotFound, MOST_CALIBRATION_BYTES } from '../records/calibration.js';
import {
  calibrationDetails,
  calibrationStanding,
  calibrationsView,
  enrolledTrialsQuery,
  enrolledTrialsView,
  listCalibrations,
  saveCalibration,
  toCalibrationDetails,
  toCalibrationView,
  toStanding,
  useModelCalibration,
  type CalibrationDetails,
  type CalibrationStanding,
  type CalibrationsView,
} from './calibrations.dto.js';
import { CalibrationsService } from './calibrations.service.js';
import { EnrolledTrialsService } from './enrolled-trials.service.js';

const VERSION = { name: 'version', schema: { type: 'integer' as const }, example: 3 };

/** What it was learned on may be a long list of what was selected. */
const MOST_VALUES = 20_000;

function calibrationJson({ maxJsonBytes }: Config): JsonLimits {
  return { bytes: Math.min(MOST_CALIBRATION_BYTES, maxJsonBytes), values: MOST_VALUES };
}

@ApiController('v1/calibrations', 'Calibrations')
@RequireScope('admin')
@ApiErrors('STORAGE_UNAVAILABLE')
export class CalibrationsController {
  constructor(
    private readonly calibrations: CalibrationsService,
    private readonly enrolled: EnrolledTrialsService,
  ) {}

  @Get()
  @RequireScope('read')
  @ApiOperation({ summary: 'List saved calibrations, newest first, and what decides', operationId: 'listCalibrations' })
  @ApiOkResponse({ description: 'One page.', standardSchema: calibrationsView })
  async list(
    @Query({ schema: listCalibrations }) { limit, cursor }: z.output<typeof listCalibrations>,
  ): Promise<CalibrationsView> {
    const { calibrations, nextCursor } = await this.calibrations.page(limit, cursor);
    return { ...toStanding(this.calibrations), calibrations: calibrations.map(toCalibrationView), nextCursor };
  }

  // Before a version, which it looks like.
  @Get('trials')
  @ApiOperation({
    summary: 'Scores of the people who are enrolled, to measure and to learn a calibration from',
    description:
      "Each recording is compared with the profile of its speaker's others, and that profile with twenty recordings of " +
      'strangers, by the model in use. Left out are recordings that do not count or were learned by evidence alone, who has ' +
      'opted out, and who lacks a consent that is required. No vector, name or id is in the answer. Of one person it has a ' +
      'twentieth of the recordings at most, the oldest. It is an entry of the audit trail. Large answers are sent as they are ' +
      'written: where something goes wrong, the connection breaks and the document has no end.',
    operationId: 'getEnrolledTrials',
  })
  @ApiOkResponse({ description: 'The trials.', standardSchema: enrolledTrialsView })
  @ApiErrors('MODEL_NOT_READY', 'ENGINE_CLOSED', 'OVERLOADED', 'DEADLINE_EXCEEDED', 'STORAGE_FULL', 'STORAGE_INVALID')
  trials(
    @Query({ schema: enrolledTrialsQuery }) { recordings }: z.output<typeof enrolledTrialsQuery>,
    @Req() request: IncomingMessage,
    @Res() response: HostResponse,
  ): Promise<void> {
    const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };
    const steps = new Steps(contextOf(request));
    return streamAnswer(request, response, headers, this.enrolled.document(recordings, steps));
  }

  @Get(':version')
  @RequireScope('read')
  @ApiOperation({ summary: 'Get a saved calibration', operationId: 'getCalibration' })
  @ApiParam(VERSION)
  @ApiOkResponse({ description: 'The calibration.', standardSchema: calibrationDetails })
  @ApiErrors('CALIBRATION_NOT_FOUND')
  async get(@Param('version') version: string): Promise<CalibrationDetails> {
    return toCalibrationDetails(await this.calibrations.get(versionOf(version)));
  }

  @Post()
  @TakesLargeJson(calibrationJson)
  @ApiOperation({
    summary: 'Save a calibration of the loaded model as the next version',
    description:
      'It decides once it is put to use: by `use`, or by the call for that. A hundred are kept, and none goes by itself.',
    operationId: 'saveCalibration',
  })
  @ApiCreatedResponse({ description: 'The calibration with its version.', standardSchema: calibrationDetails })
  @ApiErrors('MODEL_MISMATCH', 'MODEL_NOT_READY', 'CALIBRATION_FIXED', 'BODY_TOO_LARGE', 'STORAGE_FULL')
  async save(@Body({ schema: saveCalibration }) body: z.output<typeof saveCalibration>): Promise<CalibrationDetails> {
    return toCalibrationDetails(await this.calibrations.save(body));
  }

  // Before the one of a version, which it looks like.
  @Post('model/use')
  @HttpCode(200)
  @ApiOperation({
    summary: "Go back to the model's own calibration",
    description: 'At once, on every node. Saved ones stay. Safe to repeat.',
    operationId: 'useModelCalibration',
  })
  @ApiOkResponse({ description: 'What decides now.', standardSchema: calibrationStanding })
  @ApiErrors('CALIBRATION_FIXED', 'MODEL_NOT_READY', 'STORAGE_FULL')
  async useModel(
    @Query({ schema: useModelCalibration }) { model }: z.output<typeof useModelCalibration>,
  ): Promise<CalibrationStanding> {
    await this.calibrations.useNone(model);
    return toStanding(this.calibrations);
  }

  @Post(':version/use')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Put a saved calibration to use',
    description:
      'Verifications, identifications and names are decided by it at once, on every node, in place of the one that was in use. ' +
      'Safe to repeat.',
    operationId: 'useCalibration',
  })
  @ApiParam(VERSION)
  @ApiOkResponse({ description: 'The calibration.', standardSchema: calibrationDetails })
  @ApiErrors('CALIBRATION_NOT_FOUND', 'CALIBRATION_FIXED', 'MODEL_MISMATCH', 'MODEL_NOT_READY', 'STORAGE_FULL')
  async use(@Param('version') version: string): Promise<CalibrationDetails> {
    return toCalibrationDetails(await this.calibrations.use(versionOf(version)));
  }

  @Delete(':version')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Remove a saved calibration',
    description: 'Its version is not given again. One that is in use is left alone.',
    operationId: 'deleteCalibration',
  })
  @ApiParam(VERSION)
  @ApiNoContentResponse({ description: 'It is gone.' })
  @ApiErrors('CALIBRATION_NOT_FOUND', 'CALIBRATION_IN_USE', 'STORAGE_FULL')
  async remove(@Param('version') version: string): Promise<void> {
    await this.calibrations.remove(versionOf(version));
  }
}

/** Errors: CALIBRATION_NOT_FOUND for what is no version. */
function versionOf(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw calibrationNotFound(text);
  return Number(text);
}

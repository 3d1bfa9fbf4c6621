import { Body, Delete, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { may } from '../access/may.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import type { EmbedOptions } from '../../addon/types.js';
import { ApiController } from '../access/api-controller.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { ApiErrors } from '../http/api-errors.js';
import { TakesLargeJson } from '../http/json-limits.js';
import type { JsonLimits } from '../http/json-reader.js';
import { Bounds } from '../http/request-context.js';
import { Config } from '../config/config.js';
import { floorsOf } from '../config/floors.js';
import type { EnrollmentInfo } from '../records/enrollment.js';
import type { ProfileState } from '../records/profile.js';
import { Steps } from '../../support/steps.js';
import { IdempotencyKey, REPLAYED_HEADER, TakesIdempotencyKey } from '../idempotency/idempotency-key.js';
import { Idempotency, requestDigest } from '../idempotency/idempotency.js';
import { enrollmentState, toSpeakerView } from '../speakers/speakers.dto.js';
import { optedOut } from '../records/consent.js';
import { SpeakersService } from '../speakers/speakers.service.js';
import { withNames } from '../uploads/client-names.js';
import type { Recording } from '../uploads/recording.js';
import { chosen } from '../uploads/selection.js';
import { AcceptsRecordings, FormFields, Recordings } from '../uploads/uploads.decorator.js';
import {
  enrolFields,
  type EnrolFields,
  enrolledView,
  enrollmentsView,
  enrollmentView,
  importedView,
  importVectors,
  type ImportedView,
  listEnrollments,
  profileQuery,
  profileView,
  toEnrollmentView,
  type EnrolledView,
  type EnrollmentsView,
  type EnrollmentView,
  type ProfileView,
} from './enrollments.dto.js';
import { ImportService } from './import.service.js';
import { HealthService } from './health.service.js';
import { EnrollmentsService, type EnrolledVoice } from './enrollments.service.js';

/** A hundred vectors of a thousand numbers, or fewer longer ones; more would hold the event loop while they are checked. */
const VECTORS_JSON: JsonLimits = { bytes: 3 * 1024 * 1024, values: 102_000 };

function vectorsJson({ maxJsonBytes }: Config): JsonLimits {
  return { ...VECTORS_JSON, bytes: Math.min(VECTORS_JSON.bytes, maxJsonBytes) };
}

@ApiController('v1/speakers/:id', 'Enrolments')
@RequireScope('read')
@BoundKeys('members')
@ApiErrors('SPEAKER_NOT_FOUND', 'STORAGE_UNAVAILABLE')
export class EnrollmentsController {
  constructor(
    private readonly enrollments: EnrollmentsService,
    private readonly speakers: SpeakersService,
    private readonly health: HealthService,
    private readonly imports: ImportService,
    private readonly idempotency: Idempotency,
    private readonly host: HttpAdapterHost,
    private readonly config: Config,
  ) {}

  @Post('enrollments')
  @RequireScope('enrol')
  @AcceptsRecordings({ audio: { min: 1 } }, enrolFields)
  @TakesIdempotencyKey()
  @ApiOperation({
    summary: 'Add recordings of the speaker',
    description:
      'Each gets a verdict. One whose channels hold different people is an error: name the channel of the speaker. One of low quality is stored with the reasons and does not count; one that cannot be ' +
      "embedded is a result with an `error`. Where all fail, nothing is stored and the answer is the first one's error. " +
      'With `intervals` only these parts of a recording count, and it is an error where more than one voice speaks in them; with `oneVoice` ' +
      'each recording in which more than one voice speaks is an error.',
    operationId: 'enrol',
  })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiCreatedResponse({
    description: 'The speaker now, and what came of each recording.',
    standardSchema: enrolledView,
  })
  @ApiErrors(
    'SPEAKER_NOT_FOUND',
    'AUDIO_NOT_FOUND',
    'CHANNELS_DIFFER',
    'SEVERAL_VOICES',
    'CONVERSATIONS_OFF',
    'MODEL_INVALID',
    'CONFLICT',
    'CONSENT_REQUIRED',
    'OPTED_OUT',
    'IDEMPOTENCY_KEY_REUSED',
    'STORAGE_UNAVAILABLE',
    'STORAGE_FULL',
    'MODEL_NOT_READY',
  )
  async enrol(
    @Param('id') id: string,
    @Recordings() recordings: Recording[],
    @FormFields() { duplicates, oneVoice, intervals, ...part }: EnrolFields,
    @Bounds() bounds: EmbedOptions,
    @IdempotencyKey() key: string | undefined,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<EnrolledView> {
    if (intervals && recordings.length > 1) {
      throw new TimbreError('INVALID_ARGUMENT', `intervals are of one recording, and there are ${recordings.length}`);
    }
    const options = { ...bounds, ...chosen(part), ...(intervals && { intervals }) };
    const files = recordings.map(({ filename, sha256 }) => ({ filename, sha256 }));
    const request = await requestDigest(
      ['enrol', id, { ...part, intervals, ...(duplicates && { duplicates }), ...(oneVoice && { oneVoice }) }, ...files],
      new Steps(),
    );
    const { answer, repeated } = await this.idempotency.once<EnrolledView>(key, request, bounds, async (keep) => {
      const done = await this.enrollments.enrol(id, recordings, options, {
        alongWith: (records, enrolled) => keep(records, this.view(enrolled), id),
        duplicates: duplicates === undefined ? this.config.duplicates : duplicates === 'true',
        oneVoice: oneVoice === 'true',
      });
      return this.view(done);
    });
    if (repeated) this.host.httpAdapter.setHeader(response, REPLAYED_HEADER, 'true');
    return answer;
  }

  private view({ results, possibleDuplicate, ...voice }: EnrolledVoice): EnrolledView {
    return {
      possibleDuplicate,
      speaker: toSpeakerView(voice, this.config.enrollmentSeconds),
      results: results.map((result, index) => {
        const { filename } = result.recording;
        if ('error' in result) {
          const { code, message } = result.error;
          return { index, filename, error: { code, message: withNames(message, [result.recording]) } };
        }
        const { duplicate, enrollment, audio, notKept } = result;
        const shown = this.recording(enrollment, voice.profile, notKept === null);
        return { index, filename, duplicate, enrollment: shown, audio, audioNotKept: notKept };
      }),
    };
  }

  private recording(enrollment: EnrollmentInfo, profile: ProfileState | null, audioKept: boolean): EnrollmentView {
    return toEnrollmentView(enrollment, profile, floorsOf(this.config).update, audioKept);
  }

  @Post('vectors')
  @RequireScope('enrol')
  @TakesLargeJson(vectorsJson)
  @ApiOperation({
    summary: 'Bring voice vectors along that were made elsewhere with the loaded model',
    description: 'All of them or none. They count as enrolled recordings, marked `imported`.',
    operationId: 'importVectors',
  })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiCreatedResponse({ description: 'The speaker now, and what came of each vector.', standardSchema: importedView })
  @ApiErrors(
    'SPEAKER_NOT_FOUND',
    'MODEL_MISMATCH',
    'CONFLICT',
    'CONSENT_REQUIRED',
    'OPTED_OUT',
    'MODEL_NOT_READY',
    'STORAGE_FULL',
    'STORAGE_INVALID',
  )
  async importVectors(
    @Param('id') id: string,
    @Body({ schema: importVectors }) body: z.output<typeof importVectors>,
  ): Promise<ImportedView> {
    const vectors = body.vectors.map(({ at, filename, ...rest }) => ({
      ...rest,
      at: at === undefined ? undefined : new Date(at),
      fileName: filename,
    }));
    const { results, ...voice } = await this.imports.add(id, vectors);
    return { speaker: toSpeakerView(voice, this.config.enrollmentSeconds), results };
  }

  @Get('enrollments')
  @ApiOperation({ summary: "The speaker's recordings, oldest first", operationId: 'listEnrollments' })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'Of every model that the speaker was enrolled with.', standardSchema: enrollmentsView })
  async list(
    @Param('id') id: string,
    @Query({ schema: listEnrollments }) query: z.output<typeof listEnrollments>,
  ): Promise<EnrollmentsView> {
    const { enrollments, kept, nextCursor, ...voice } = await this.enrollments.list(id, query.limit, query.cursor);
    return {
      speaker: toSpeakerView(voice, this.config.enrollmentSeconds),
      enrollments: enrollments.map((one) => this.recording(one, voice.profile, kept.has(one.contentSha256))),
      nextCursor,
    };
  }

  @Get('enrollments/:enrollmentId')
  @ApiOperation({ summary: 'One recording', operationId: 'getEnrollment' })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'What was measured on it and what it counts for.', standardSchema: enrollmentView })
  @ApiErrors('SPEAKER_NOT_FOUND', 'ENROLLMENT_NOT_FOUND')
  async get(@Param('id') id: string, @Param('enrollmentId') enrollmentId: string): Promise<EnrollmentView> {
    const { enrollment, profile, audioKept } = await this.enrollments.get(id, enrollmentId);
    return this.recording(enrollment, profile, audioKept);
  }

  @Delete('enrollments/:enrollmentId')
  @RequireScope('enrol')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete one recording for good', operationId: 'deleteEnrollment' })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiNoContentResponse({ description: 'Deleted; the profile is made of the others.' })
  @ApiErrors('SPEAKER_NOT_FOUND', 'ENROLLMENT_NOT_FOUND', 'CONFLICT', 'MODEL_NOT_READY', 'STORAGE_FULL')
  async delete(@Param('id') id: string, @Param('enrollmentId') enrollmentId: string): Promise<void> {
    await this.enrollments.delete(id, enrollmentId);
  }

  @Get('profile')
  @ApiOperation({ summary: 'The voice profile for the loaded model', operationId: 'getProfile' })
  @ApiParam({ name: 'id', example: 'ada' })
  @ApiOkResponse({ description: 'The profile.', standardSchema: profileView })
  @ApiErrors('SPEAKER_NOT_FOUND', 'MODEL_MISMATCH', 'MODEL_NOT_READY', 'OPTED_OUT', 'STORAGE_FULL')
  async profile(
    @Param('id') id: string,
    @Query({ schema: profileQuery }) query: z.output<typeof profileQuery>,
    @Req() request: IncomingMessage,
  ): Promise<ProfileView> {
    const { speaker, profile, origin, others } = await this.speakers.profileBeside(id);
    if (query.embedding === 'true' && speaker.optedOutAt) throw optedOut(speaker.id);
    const members = profile?.members ?? [];
    const health = query.health === 'true' ? await this.health.of(speaker, origin) : undefined;
    return {
      speakerId: id,
      model: origin.model,
      frontEnd: origin.frontEnd,
      ...enrollmentState(profile, this.config.enrollmentSeconds),
      cohesion: profile?.cohesion ?? null,
      recordings: members,
      outliers: members.filter(({ outlier }) => outlier).map(({ enrollmentId }) => enrollmentId),
      otherModels: others.map(({ model }) => model),
      updatedAt: profile?.updatedAt.toISOString() ?? null,
      ...(health ? { health: { ...health, nearest: may(request, 'vectors') ? health.nearest : null } } : {}),
      ...(query.embedding === 'true' ? { embedding: profile?.centroid ? Array.from(profile.centroid) : null } : {}),
    };
  }
}

import { Body, HttpCode, Post, Res, UseInterceptors } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ApiAcceptedResponse, ApiOperation } from '@nestjs/swagger';
import { basename } from 'node:path';
import type { z } from 'zod';
import type { GivenConsent } from '../records/consent.js';
import { giveConsent, toGivenConsent, type GiveConsent } from '../consent/consent.dto.js';
import { RequireScope } from '../access/scope.js';
import { ApiController } from '../access/api-controller.js';
import { ApiErrors } from '../http/api-errors.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { invalid } from '../http/validation.js';
import type { Recording } from '../uploads/recording.js';
import { AcceptsRecordings, FormFields, Recordings } from '../uploads/uploads.decorator.js';
import { JobAdmission } from './job-admission.interceptor.js';
import { jobView, sessionOfPaths, sessionOfUploads, toJobView, uploadedItems, type JobView } from './jobs.dto.js';
import { JobsService, type Forecast, type SessionItem } from './jobs.service.js';

@ApiController('v1/training-sessions', 'Jobs')
@RequireScope('enrol')
@ApiErrors('OVERLOADED', 'STORAGE_UNAVAILABLE')
export class TrainingSessionsController {
  constructor(
    private readonly jobs: JobsService,
    private readonly host: HttpAdapterHost,
  ) {}

  @Post()
  @HttpCode(202)
  @AcceptsRecordings({ audio: { min: 1 } }, sessionOfUploads, { orJson: true, json: sessionOfPaths, forJob: true })
  // Runs before what the line above adds: the last decorator is the first to be applied.
  @UseInterceptors(JobAdmission)
  @ApiOperation({
    summary: 'Enrol many recordings of many speakers as one job',
    description:
      "Recordings are uploaded, or named by their path on the service's machine. The job is durable with the answer: " +
      'it outlives the request and the process, and does nothing twice. Every recording has an outcome of its own; one ' +
      'that fails stops nothing.',
    operationId: 'createTrainingSession',
  })
  @ApiAcceptedResponse({
    description: 'The job; its address is in the header `location`.',
    standardSchema: jobView,
    headers: { location: { description: '`/v1/jobs/<id>`', schema: { type: 'string' } } },
  })
  @ApiErrors('BODY_TOO_LARGE', 'CONTENT_TYPE_UNSUPPORTED', 'OVERLOADED', 'WRITE_FAILED', 'STORAGE_FULL')
  async create(
    @Recordings() recordings: Recording[],
    @FormFields() fields: Partial<z.output<typeof sessionOfUploads>>,
    @Body() body: unknown,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<JobView> {
    const { job, secondsLeft } =
      recordings.length > 0
        ? await this.ofUploads(recordings, fields as z.output<typeof sessionOfUploads>)
        : await this.ofPaths(body);
    this.host.httpAdapter.setHeader(response, 'location', `/v1/jobs/${job.id}`);
    return toJobView(job, secondsLeft);
  }

  private async ofUploads(
    recordings: readonly Recording[],
    { items: text, createSpeakers, consent }: z.output<typeof sessionOfUploads>,
  ): Promise<Forecast> {
    const all = parseField('items', text, uploadedItems);
    if (all.length !== recordings.length) {
      throw new TimbreError(
        'INVALID_ARGUMENT',
        `items has ${all.length} entries for ${recordings.length} recordings; it needs one for each, in their order`,
      );
    }
    const ofAll = consent === undefined ? undefined : parseField('consent', consent, giveConsent);
    const items = all.map((item, i): SessionItem => {
      const { filename } = recordings[i]!;
      return { ...item, consent: consentOf(item, ofAll), path: null, fileName: filename === '' ? null : filename };
    });
    return this.jobs.create(items, recordings, createSpeakers === 'true');
  }

  private ofPaths(body: unknown): Promise<Forecast> {
    const result = sessionOfPaths.safeParse(body);
    if (!result.success) throw invalid(result.error.issues);
    const { items, createSpeakers, consent } = result.data;
    const all = items.map((item): SessionItem => {
      return { ...item, consent: consentOf(item, consent), fileName: basename(item.path) };
    });
    return this.jobs.create(all, [], createSpeakers);
  }
}

function consentOf(
  item: { consent?: GiveConsent | undefined },
  ofAll: GiveConsent | undefined,
): GivenConsent | undefined {
  const consent = item.consent ?? ofAll;
  return consent && toGivenConsent(consent);
}

/** A field of the form that holds JSON. */
function parseField<Schema extends z.ZodType>(name: string, text: string, schema: Schema): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TimbreError('INVALID_ARGUMENT', `the field "${name}" is no JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(result.error.issues.map((issue) => ({ ...issue, path: [name, ...issue.path] })));
}

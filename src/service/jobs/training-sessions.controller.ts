import { Body, HttpCode, Post, Req, Res, UseInterceptors } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ApiAcceptedResponse, ApiOperation } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import { basename, resolve } from 'node:path';
import type { z } from 'zod';
import type { GivenConsent } from '../records/consent.js';
import { giveConsent, toGivenConsent, type GiveConsent } from '../consent/consent.dto.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { ApiController } from '../access/api-controller.js';
import { ApiErrors } from '../http/api-errors.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { TakesLargeJson } from '../http/json-limits.js';
import type { JsonLimits } from '../http/json-reader.js';
import { prefixOf } from '../http/prefix.js';
import { Bounds } from '../http/request-context.js';
import { checked, checkEach } from '../http/check-each.js';
import { Config } from '../config/config.js';
import type { EmbedOptions } from '../../addon/types.js';
import { Steps } from '../../support/steps.js';
import type { Recording } from '../uploads/recording.js';
import { AcceptsRecordings, FormFields, Recordings } from '../uploads/uploads.decorator.js';
import { IdempotencyKey, REPLAYED_HEADER, TakesIdempotencyKey } from '../idempotency/idempotency-key.js';
import { Idempotency, requestDigest } from '../idempotency/idempotency.js';
import { JobAdmission } from './job-admission.interceptor.js';
import {
  itemOfPath,
  jobView,
  LONGEST_CONSENT,
  sessionEnvelope,
  sessionOfPaths,
  sessionOfUploads,
  toJobView,
  uploadedItem,
  type JobView,
} from './jobs.dto.js';
import { JobsService, type SessionItem } from './jobs.service.js';

interface Session {
  items: SessionItem[];
  createSpeakers: boolean;
}

/** An item, its fields and their values, and room for more of them. */
const VALUES_OF_ITEM = 20;

/** Of the form's field `consent`. */
const CONSENT_JSON: JsonLimits = { bytes: LONGEST_CONSENT, values: 100 };

function sessionJson({ maxJsonBytes, maxJobItems }: Config): JsonLimits {
  return { bytes: maxJsonBytes, values: VALUES_OF_ITEM * maxJobItems + 100 };
}

@ApiController('v1/training-sessions', 'Jobs')
@RequireScope('enrol')
@BoundKeys('members')
@ApiErrors('OVERLOADED', 'STORAGE_UNAVAILABLE')
export class TrainingSessionsController {
  constructor(
    private readonly jobs: JobsService,
    private readonly idempotency: Idempotency,
    private readonly host: HttpAdapterHost,
    private readonly config: Config,
  ) {}

  @Post()
  @HttpCode(202)
  @AcceptsRecordings({ audio: { min: 1 } }, sessionOfUploads, {
    orJson: true,
    json: sessionOfPaths,
    forJob: true,
    jsonFields: (config) => ({ items: sessionJson(config), consent: CONSENT_JSON }),
  })
  @TakesLargeJson(sessionJson)
  // Runs before what the line above adds: the last decorator is the first to be applied.
  @UseInterceptors(JobAdmission)
  @TakesIdempotencyKey()
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
  @ApiErrors(
    'BODY_TOO_LARGE',
    'CONTENT_TYPE_UNSUPPORTED',
    'CONFLICT',
    'FORBIDDEN_GROUP',
    'IDEMPOTENCY_KEY_REUSED',
    'OVERLOADED',
    'WRITE_FAILED',
    'STORAGE_FULL',
  )
  async create(
    @Recordings() recordings: Recording[],
    @FormFields() fields: Partial<z.output<typeof sessionOfUploads>>,
    @Body() body: unknown,
    @Bounds() bounds: EmbedOptions,
    @IdempotencyKey() key: string | undefined,
    @Req() request: IncomingMessage,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<JobView> {
    const steps = new Steps({ signal: bounds.signal });
    const { items, createSpeakers } =
      recordings.length > 0
        ? await this.ofUploads(recordings, fields as z.output<typeof sessionOfUploads>, steps)
        : await this.ofPaths(body, steps);
    const files = recordings.map(({ filename, sha256 }) => ({ filename, sha256 }));
    const digest = key === undefined ? '' : await requestDigest(['session', createSpeakers, ...items, ...files], steps);
    const { answer, repeated } = await this.idempotency.once<JobView>(key, digest, bounds, async (keep) => {
      const made = await this.jobs.create(items, recordings, createSpeakers, steps, (records, { job, secondsLeft }) =>
        keep(records, toJobView(job, secondsLeft), null),
      );
      return toJobView(made.job, made.secondsLeft);
    });
    const prefix = prefixOf(request, '/v1/training-sessions');
    this.host.httpAdapter.setHeader(response, 'location', `${prefix}/v1/jobs/${answer.id}`);
    if (repeated) this.host.httpAdapter.setHeader(response, REPLAYED_HEADER, 'true');
    return answer;
  }

  private async ofUploads(
    recordings: readonly Recording[],
    { items: given, createSpeakers, consent }: z.output<typeof sessionOfUploads>,
    steps: Steps,
  ): Promise<Session> {
    const all = await checkEach('items', given, uploadedItem, this.config.maxJobItems, steps);
    if (all.length !== recordings.length) {
      throw new TimbreError(
        'INVALID_ARGUMENT',
        `items has ${all.length} entries for ${recordings.length} recordings; it needs one for each, in their order`,
      );
    }
    const ofAll = consent === undefined ? undefined : checked('consent', giveConsent, consent);
    const items = all.map((item, i): SessionItem => {
      const { filename } = recordings[i]!;
      return { ...item, consent: consentOf(item, ofAll), path: null, fileName: filename === '' ? null : filename };
    });
    return { items, createSpeakers: createSpeakers === 'true' };
  }

  private async ofPaths(body: unknown, steps: Steps): Promise<Session> {
    if (body === undefined) throw new TimbreError('INVALID_ARGUMENT', 'the body is empty; send JSON or a form');
    const { items, createSpeakers, consent } = checked('', sessionEnvelope, body);
    const all = (await checkEach('items', items, itemOfPath, this.config.maxJobItems, steps)).map(
      (item): SessionItem => {
        const path = resolve(item.path);
        return { ...item, path, consent: consentOf(item, consent), fileName: basename(path) };
      },
    );
    return { items: all, createSpeakers };
  }
}

function consentOf(
  item: { consent?: GiveConsent | undefined },
  ofAll: GiveConsent | undefined,
): GivenConsent | undefined {
  const consent = item.consent ?? ofAll;
  return consent && toGivenConsent(consent);
}

import { Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { z } from 'zod';
import type { EncoderInfo } from '../../addon/types.js';
import { recommendedInsteadOf } from '../../models/recommendation.js';
import { THRESHOLD_SOURCES } from '../../scoring/decision-policy.js';
import type { DecisionRules } from '../../scoring/decision-rules.js';
import { BoundKeys } from '../access/bound-keys.js';
import { RequireScope } from '../access/scope.js';
import { ApiController } from '../access/api-controller.js';
import { packageVersion } from '../../support/package.js';
import { answeringCalibration } from '../calibrations/calibrations.dto.js';
import { Config, limitsOf } from '../config/config.js';
import { floorsOf } from '../config/floors.js';
import { describeState } from '../engine/addon-engine.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { VoiceIndex, type VoiceIndexReport } from '../voices/voice-index.js';

const model = z.object({
  name: z.string().meta({ description: 'What embeddings carry.', example: 'starter@0123456789ab' }),
  id: z.string(),
  family: z.string(),
  trained: z.boolean(),
  embeddingDim: z.int(),
  sampleRate: z.int(),
  shortestSeconds: z.number(),
  device: z.string(),
  deviceNote: z.string().meta({ description: 'Why the device is not a better one.' }),
  precision: z.enum(['fp32', 'bf16', 'int8']).meta({ description: 'What the network multiplies in.' }),
  workers: z.int(),
  calibrated: z.boolean().meta({ description: 'Whether scores carry llr and probability.' }),
  better: z
    .object({ model: z.string(), command: z.string().meta({ description: 'What fetches it.' }) })
    .nullable()
    .meta({ description: 'A published model that tells voices apart better; null where none is known.' }),
});

const decisions = z
  .object({
    calibration: answeringCalibration.meta({ description: 'Whose evidence and thresholds these are.' }),
    thresholdFrom: z.enum(THRESHOLD_SOURCES).nullable(),
    cosine: z
      .number()
      .nullable()
      .meta({ description: 'A cosine that decides at whatever rate; null: the rate decides.' }),
    falseAcceptRate: z.number().meta({ description: 'Per request, where a request names no other.', example: 0.01 }),
    thresholds: z.array(
      z.object({ falseAcceptRate: z.number(), cosine: z.number().nullable(), llr: z.number().nullable() }),
    ),
    impostorTail: z
      .object({
        start: z.number(),
        share: z.number(),
        scale: z.number(),
        shape: z.number(),
        body: z.array(z.tuple([z.number(), z.number()])),
        leastRate: z.number(),
      })
      .nullable()
      .meta({ description: 'How high strangers score, as src/scoring/impostor-tail.ts has it.' }),
  })
  .nullable();

const voiceIndex = z.object({
  kind: z.enum(['native', 'compact', 'pgvector']).meta({
    description: 'Who searches: each node in its memory, with vectors as they are or rounded, or PostgreSQL.',
  }),
  approximate: z
    .object({
      recall: z
        .number()
        .meta({ description: 'Share of the nearest voices that are found, on a sample of the stored ones.' }),
      leastRecall: z.number().meta({ description: 'Below it searches are exact, which takes longer.', example: 0.99 }),
      inUse: z.boolean(),
      measuredAt: z.iso.datetime(),
    })
    .nullable()
    .meta({ description: 'Of searches among everybody that need not be exact; null where all are.' }),
});

const serviceInfo = z.object({
  version: z.string(),
  state: z.enum(['fetching', 'loading', 'ready', 'failed', 'closed']),
  message: z.string().meta({ description: 'The state for people.' }),
  uptimeSeconds: z.number(),
  decoders: z
    .enum(['process', 'none'])
    .meta({ description: 'Whether recordings are decoded in processes of their own, behind walls.' }),
  model: model.nullable().meta({ description: 'Null until the model is loaded.' }),
  speech: z
    .object({
      matchSeconds: z.number().meta({ description: 'Of a recording, to verify or identify with.', example: 1 }),
      updateSeconds: z.number().meta({ description: 'Of a recording, to become part of a profile.', example: 1 }),
      createSeconds: z.number().meta({
        description: 'Of all recordings of a speaker, to count as enrolled.',
        example: 20,
      }),
    })
    .meta({ description: 'Net speech that is needed; what lacks some says how much.' }),
  consent: z
    .enum(['required', 'optional'])
    .meta({ description: "Whether a speaker's consent comes before enrolling." }),
  conversations: z.enum(['ready', 'absent', 'off']).meta({
    description:
      'Whether it can be told who speaks when: ready; absent: the network for it is fetched by the first conversation; off.',
  }),
  unknownVoices: z
    .enum(['on', 'off'])
    .meta({ description: 'Whether voices of conversations that get no name are kept, to be named later.' }),
  recordings: z
    .object({
      keep: z
        .boolean()
        .meta({ description: 'Whether the audio of enrolments is kept where no group of the speaker says so.' }),
      largestBytes: z.int().meta({ description: 'A larger recording is enrolled without its audio.' }),
      totalBytes: z.int().meta({ description: 'Of all that are kept.' }),
      days: z.number().meta({ description: 'After which the audio is removed; 0: it stays as long as the enrolment.' }),
    })
    .meta({ description: 'Keeping of audio; docs/recordings.md.' }),
  voiceIndex: voiceIndex.meta({ description: 'How voices are found; docs/profiles.md.' }),
  decisions: decisions.meta({
    description: 'What verifications and identifications are decided by; null until the model is loaded.',
  }),
  limits: z.record(z.string(), z.unknown()).meta({ description: 'Every bound on requests; docs/configuration.md.' }),
});

@ApiController('v1/info', 'Operations')
@RequireScope('read')
@BoundKeys('anything')
export class InfoController {
  constructor(
    private readonly config: Config,
    private readonly engine: EmbeddingEngine,
    private readonly voices: VoiceIndex,
  ) {}

  @Get()
  @ApiOperation({ summary: 'What runs here, and within which limits', operationId: 'getInfo' })
  @ApiOkResponse({ description: 'Also while the model is loading.', standardSchema: serviceInfo })
  async read(): Promise<z.output<typeof serviceInfo>> {
    const { state } = this.engine;
    const { match, update, create } = floorsOf(this.config);
    const model = state.status === 'ready' ? this.model() : null;
    return {
      version: packageVersion(),
      state: state.status,
      message: describeState(state),
      uptimeSeconds: Math.round(process.uptime()),
      decoders: this.config.decoderIsolation,
      model,
      speech: { matchSeconds: match, updateSeconds: update, createSeconds: create },
      consent: this.config.consent,
      conversations: !this.config.conversations ? 'off' : (await this.engine.hasSegmentation()) ? 'ready' : 'absent',
      unknownVoices: this.config.unknownVoices ? 'on' : 'off',
      recordings: {
        keep: this.config.keepRecordings,
        largestBytes: this.config.keptRecordingBytes,
        totalBytes: this.config.keptBytes,
        days: this.config.recordingDays,
      },
      voiceIndex: voiceIndexOf(this.voices.report),
      decisions: model && { calibration: this.engine.calibration(), ...rulesOf(this.engine.scorer().rules) },
      limits: { ...limitsOf(this.config), ...(model ? ownLimitsOf(this.engine.info()) : {}) },
    };
  }

  private model(): z.output<typeof model> {
    const { model: name, id, family, trained, embeddingDim, sampleRate, ...rest } = this.engine.info();
    const { shortestSeconds, device, deviceNote, precision, workers } = rest;
    const { calibrated } = this.engine.scorer();
    return {
      name,
      id,
      family,
      trained,
      embeddingDim,
      sampleRate,
      shortestSeconds,
      device,
      deviceNote,
      precision,
      workers,
      calibrated,
      better: recommendedInsteadOf(id),
    };
  }
}

/** Nothing of how many voices there are: keys that are bound to groups may ask. */
function voiceIndexOf({ kind, approximate }: VoiceIndexReport): z.output<typeof voiceIndex> {
  if (!approximate) return { kind, approximate };
  return { kind, approximate: { ...approximate, measuredAt: approximate.measuredAt.toISOString() } };
}

function rulesOf({
  thresholds,
  ...rules
}: DecisionRules): Omit<NonNullable<z.output<typeof decisions>>, 'calibration'> {
  return {
    ...rules,
    thresholds: thresholds.map(({ falseAcceptRate, cosine, llr }) => ({ falseAcceptRate, cosine, llr })),
  };
}

/** What the engine has chosen where a setting leaves it the choice. */
function ownLimitsOf({ workers, limits }: EncoderInfo): Record<string, number> {
  return { workers, maxInputBytes: limits.maxInputBytes, maxWorkingBytes: limits.maxWorkingBytes };
}

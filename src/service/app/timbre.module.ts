import {
  Module,
  type DynamicModule,
  type ModuleMetadata,
  type OnModuleInit,
  type Provider,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { TimbreError } from '../../errors/timbre-error.js';
import { AccessModule } from '../access/access.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { CalibrationsModule } from '../calibrations/calibrations.module.js';
import { CompatModule } from '../compat/compat.module.js';
import { Config, type ConfigInput } from '../config/config.js';
import { ConsentModule } from '../consent/consent.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { EmbeddingsModule } from '../embeddings/embeddings.module.js';
import { EngineModule } from '../engine/engine.module.js';
import { EnrollmentsModule } from '../enrollments/enrollments.module.js';
import { GroupsModule } from '../groups/groups.module.js';
import { HealthModule } from '../health/health.module.js';
import { HttpModule } from '../http/http.module.js';
import { leaveRecordings } from '../http/leave-recordings.js';
import { IdentificationModule } from '../identification/identification.module.js';
import { IdempotencyModule } from '../idempotency/idempotency.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { PersistenceModule } from '../persistence/persistence.module.js';
import { PrivacyModule } from '../privacy/privacy.module.js';
import { ProfilesModule } from '../profiles/profiles.module.js';
import { RecordingsModule } from '../recordings/recordings.module.js';
import { ReEmbeddingModule } from '../re-embedding/re-embedding.module.js';
import { SignInModule } from '../sign-in/sign-in.module.js';
import { SpeakersModule } from '../speakers/speakers.module.js';
import { UnknownVoicesModule } from '../unknown-voices/unknown-voices.module.js';
import { UploadsModule } from '../uploads/uploads.module.js';
import { VerificationModule } from '../verification/verification.module.js';
import { VoicesModule } from '../voices/voices.module.js';
import { WatchModule } from '../watch/watch.module.js';
import { WebhooksModule } from '../webhooks/webhooks.module.js';
import { CONTROLLERS, type ControllerName } from './controllers.js';
import { settingsOfAHost } from './settings-of-a-host.js';

/** Which of the service's calls an application answers. Default: all. */
export interface MountOptions {
  controllers?: readonly ControllerName[];
}

export interface TimbreModuleOptions extends ConfigInput, MountOptions {}

export interface TimbreModuleAsyncOptions extends MountOptions, Pick<ModuleMetadata, 'imports'> {
  /** Tokens of what `useFactory` is called with. */
  inject?: readonly NonNullable<InjectList>[number][];
  /** The settings of `forRoot`. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what `inject` names, as in Nest itself
  useFactory: (...injected: any[]) => ConfigInput | Promise<ConfigInput>;
}

type InjectList = Extract<Provider, { inject?: unknown }>['inject'];

/** All that the features consist of. They see each other through `TimbreModule`, the one module that is global. */
const ROOMS = [
  HttpModule,
  AccessModule,
  EngineModule,
  UploadsModule,
  MetricsModule,
  HealthModule,
  EmbeddingsModule,
  PersistenceModule,
  VoicesModule,
  IdempotencyModule,
  AuditModule,
  ConsentModule,
  SignInModule,
  SpeakersModule,
  GroupsModule,
  RecordingsModule,
  EnrollmentsModule,
  ReEmbeddingModule,
  ProfilesModule,
  WatchModule,
  VerificationModule,
  IdentificationModule,
  PrivacyModule,
  JobsModule,
  WebhooksModule,
  CalibrationsModule,
  ConversationsModule,
  UnknownVoicesModule,
  CompatModule,
];

/** The controllers that are mounted. */
@Module({})
class RoutesModule {}

/**
 * The service as a module of any Nest application:
 *
 *   @Module({ imports: [TimbreModule.forRoot({ model: 'starter', dataDir: '/var/lib/voices' })] })
 *
 * Injected everywhere: `EmbeddingEngine`, `Config`, `Speakers`, `Enrollments`, `Groups`, `Verification`,
 * `Identification`, `Jobs` and `Recordings`. Its routes are those of docs/api.md, below the application's prefix.
 */
@Module({})
export class TimbreModule implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost) {}

  /**
   * What is not given comes from the environment, then from the defaults, except that no sidecar's port is opened unless
   * `sidecarPort` is given. Errors: INVALID_ARGUMENT, also for settings that would do nothing in a module.
   */
  static forRoot({ controllers, ...settings }: TimbreModuleOptions = {}): DynamicModule {
    return TimbreModule.with(settingsOfAHost(settings, process.env), { ...(controllers ? { controllers } : {}) });
  }

  /** As `forRoot`, with settings that other providers know. The application does not start where they are wrong. */
  static forRootAsync(options: TimbreModuleAsyncOptions): DynamicModule {
    const { imports = [], inject = [], useFactory } = options;
    const config: Provider = {
      provide: Config,
      inject: [...inject],
      useFactory: async (...injected: unknown[]) => settingsOfAHost(await useFactory(...injected), process.env),
    };
    return compose(config, imports, options);
  }

  /** With settings that are checked already. */
  static with(config: Config, mount: MountOptions = {}): DynamicModule {
    return compose({ provide: Config, useValue: config }, [], mount);
  }

  /** Express leaves forms and recordings alone; Fastify has to be told. */
  onModuleInit(): void {
    const { httpAdapter } = this.host;
    if (httpAdapter.getType() === 'fastify') leaveRecordings(httpAdapter.getInstance<FastifyInstance>());
  }
}

function compose(
  config: Provider,
  imports: NonNullable<ModuleMetadata['imports']>,
  { controllers }: MountOptions,
): DynamicModule {
  const mounted = controllersOf(controllers ?? (Object.keys(CONTROLLERS) as ControllerName[]));
  return {
    module: TimbreModule,
    global: true,
    imports: [...imports, ...ROOMS, { module: RoutesModule, controllers: mounted }],
    providers: [config],
    exports: [Config, ...ROOMS],
  };
}

/** Errors: INVALID_ARGUMENT. */
function controllersOf(names: readonly ControllerName[]): Type[] {
  return names.flatMap((name): readonly Type[] => {
    if (Object.hasOwn(CONTROLLERS, name)) return CONTROLLERS[name];
    const known = Object.keys(CONTROLLERS).join(', ');
    throw new TimbreError('INVALID_ARGUMENT', `controllers: there is none named "${name}"; they are ${known}`);
  });
}

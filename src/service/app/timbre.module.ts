import { Module, type DynamicModule, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { AccessModule } from '../access/access.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { HttpModule } from '../http/http.module.js';
import { leaveRecordings } from '../http/http-adapter.js';
import { CompatModule } from '../compat/compat.module.js';
import { Config, type ConfigInput } from '../config/config.js';
import { ConfigModule } from '../config/config.module.js';
import { ConsentModule } from '../consent/consent.module.js';
import { DataKeysModule } from '../data-keys/data-keys.module.js';
import { EmbeddingsModule } from '../embeddings/embeddings.module.js';
import { EngineModule } from '../engine/engine.module.js';
import { EnrollmentsModule } from '../enrollments/enrollments.module.js';
import { HealthModule } from '../health/health.module.js';
import { IdentificationModule } from '../identification/identification.module.js';
import { JobsModule } from '../jobs/jobs.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { PersistenceModule } from '../persistence/sqlite/persistence.module.js';
import { PrivacyModule } from '../privacy/privacy.module.js';
import { SignInModule } from '../sign-in/sign-in.module.js';
import { SpeakersModule } from '../speakers/speakers.module.js';
import { UploadsModule } from '../uploads/uploads.module.js';
import { VerificationModule } from '../verification/verification.module.js';
import { VoicesModule } from '../voices/voices.module.js';

/**
 * The service as a module of any Nest application:
 *
 *   @Module({ imports: [TimbreModule.forRoot({ model: 'starter', dataDir: '/var/lib/voices' })] })
 *
 * Its providers `EmbeddingEngine` and `Config` are global; its routes are those of docs/api.md.
 */
@Module({})
export class TimbreModule implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost) {}

  /**
   * What is not given comes from the environment, then from the defaults, except that no sidecar's port is opened unless
   * `sidecarPort` is given. Errors: INVALID_ARGUMENT.
   */
  static forRoot(config: Config | ConfigInput = {}): DynamicModule {
    const values = config instanceof Config ? config : Config.of({ sidecarPort: 'off', ...config }, process.env);
    return {
      module: TimbreModule,
      imports: [
        ConfigModule.with(values),
        HttpModule,
        AccessModule,
        EngineModule,
        UploadsModule,
        MetricsModule,
        HealthModule,
        EmbeddingsModule,
        PersistenceModule,
        VoicesModule,
        AuditModule,
        ConsentModule,
        SignInModule,
        SpeakersModule,
        EnrollmentsModule,
        VerificationModule,
        IdentificationModule,
        PrivacyModule,
        DataKeysModule,
        JobsModule,
        CompatModule,
      ],
    };
  }

  /** Express leaves forms and recordings alone; Fastify has to be told. */
  onModuleInit(): void {
    const { httpAdapter } = this.host;
    if (httpAdapter.getType() === 'fastify') leaveRecordings(httpAdapter.getInstance<FastifyInstance>());
  }
}

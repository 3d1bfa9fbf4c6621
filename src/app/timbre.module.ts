import { Module, type DynamicModule } from '@nestjs/common';
import { CommonModule } from '../common/common.module.js';
import { CompatModule } from '../compat/compat.module.js';
import { Config, type ConfigInput } from '../config/config.js';
import { ConfigModule } from '../config/config.module.js';
import { EmbeddingsModule } from '../embeddings/embeddings.module.js';
import { EngineModule } from '../engine/engine.module.js';
import { EnrollmentsModule } from '../enrollments/enrollments.module.js';
import { HealthModule } from '../health/health.module.js';
import { IdentificationModule } from '../identification/identification.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { PersistenceModule } from '../persistence/persistence.module.js';
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
export class TimbreModule {
  /** What is not given comes from the environment, then from the defaults. Errors: INVALID_ARGUMENT. */
  static forRoot(config: Config | ConfigInput = {}): DynamicModule {
    const values = config instanceof Config ? config : Config.of(config, process.env);
    return {
      module: TimbreModule,
      imports: [
        ConfigModule.with(values),
        CommonModule,
        EngineModule,
        UploadsModule,
        MetricsModule,
        HealthModule,
        EmbeddingsModule,
        PersistenceModule,
        VoicesModule,
        SpeakersModule,
        EnrollmentsModule,
        VerificationModule,
        IdentificationModule,
        CompatModule,
      ],
    };
  }
}

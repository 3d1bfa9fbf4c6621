import { Injectable, Module, type OnApplicationBootstrap, type OnModuleDestroy, type Provider } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { guardBodies } from '../access/guard-bodies.js';
import { KeyRing } from '../access/key-ring.js';
import { RefusedKeys } from '../access/refused-keys.js';
import { RequestRate } from '../access/request-rate.js';
import { AudioRoots } from '../uploads/audio-roots.js';
import { addressOf, listen } from '../http/listen.js';
import { Traffic } from '../http/traffic.js';
import { Config } from '../config/config.js';
import { Draining } from '../engine/draining.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { Templates } from '../metrics/templates.js';
import { UploadMemory } from '../uploads/upload-memory.js';
import { UploadSlots } from '../uploads/upload-slots.js';
import { CompatController } from './compat.controller.js';
import { compatErrorBody, CompatErrorFilter } from './compat-error.filter.js';
import { CompatGuard } from './compat.guard.js';
import { CompatService } from './compat.service.js';

/** The application behind the sidecar's port: the calls of the contract, and nothing of the API. */
@Module({})
class CompatApplication {}

/** Listens on the sidecar's port while the service runs, unless it is off. */
@Injectable()
export class CompatServer implements OnApplicationBootstrap, OnModuleDestroy {
  private app: NestFastifyApplication | undefined;

  constructor(
    private readonly config: Config,
    private readonly engine: EmbeddingEngine,
    private readonly traffic: Traffic,
    private readonly draining: Draining,
    private readonly slots: UploadSlots,
    private readonly memory: UploadMemory,
    private readonly roots: AudioRoots,
    private readonly keys: KeyRing,
    private readonly rate: RequestRate,
    private readonly refused: RefusedKeys,
    private readonly templates: Templates,
  ) {}

  /** `http://127.0.0.1:5001`; undefined where the port is off. */
  get url(): string | undefined {
    return this.app && addressOf(this.app);
  }

  async onApplicationBootstrap(): Promise<void> {
    const { sidecarPort, host } = this.config;
    if (sidecarPort === 'off') return;
    const shared: Provider[] = [
      { provide: Config, useValue: this.config },
      { provide: EmbeddingEngine, useValue: this.engine },
      { provide: Traffic, useValue: this.traffic },
      { provide: UploadSlots, useValue: this.slots },
      { provide: UploadMemory, useValue: this.memory },
      { provide: AudioRoots, useValue: this.roots },
      { provide: KeyRing, useValue: this.keys },
      { provide: RequestRate, useValue: this.rate },
      { provide: RefusedKeys, useValue: this.refused },
      { provide: Templates, useValue: this.templates },
    ];
    // Fastify, which an application on Express need not have.
    const { createApplication } = await import('../http/http-adapter.js');
    const app = await createApplication(
      {
        module: CompatApplication,
        controllers: [CompatController],
        providers: [...shared, CompatService, CompatErrorFilter, CompatGuard],
      },
      this.config,
      compatErrorBody,
    );
    app.useGlobalFilters(app.get(CompatErrorFilter));
    guardBodies(app, app.get(CompatGuard));
    this.traffic.watch(app.getHttpServer());
    this.app = app;
    await listen(app, sidecarPort, host, 'EMBEDDING_SERVICE_PORT');
  }

  async onModuleDestroy(): Promise<void> {
    await this.draining.done();
    await this.app?.close();
  }
}

import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Timings } from '../../addon/types.js';
import { Traffic } from '../http/traffic.js';
import { WaitingBytes } from '../http/waiting-bytes.js';
import { Config } from '../config/config.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { UploadSlots } from '../uploads/upload-slots.js';

const STAGES = [
  'queue',
  'decode',
  'resample',
  'speech',
  'features',
  'model',
  'total',
] as const satisfies (keyof Timings)[];

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What Prometheus reads, in a registry of this application alone. */
@Injectable()
export class Metrics implements OnModuleInit, OnModuleDestroy {
  readonly registry = new Registry();
  private readonly logger = new Logger('Metrics');

  private readonly stages = new Histogram({
    name: 'timbre_stage_seconds',
    help: 'Time of each stage of one recording; total includes them all.',
    labelNames: ['stage'],
    buckets: SECONDS,
    registers: [this.registry],
  });
  private readonly audio = new Counter({
    name: 'timbre_audio_seconds_total',
    help: 'Seconds of audio embedded.',
    registers: [this.registry],
  });
  private readonly failures = new Counter({
    name: 'timbre_failures_total',
    help: 'Recordings that were not embedded, by error code.',
    labelNames: ['code'],
    registers: [this.registry],
  });
  private readonly requests = new Histogram({
    name: 'timbre_http_request_seconds',
    help: 'Time of requests, from the first byte to the last.',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers: [this.registry],
  });

  private stopListening: (() => void) | undefined;

  constructor(
    private readonly config: Config,
    private readonly engine: EmbeddingEngine,
    private readonly traffic: Traffic,
    private readonly slots: UploadSlots,
  ) {}

  onModuleInit(): void {
    const bodies = WaitingBytes.of(this.config);
    collectDefaultMetrics({ register: this.registry });
    this.stopListening = this.engine.listen({
      embedded: ({ timings, audio }) => {
        for (const stage of STAGES) this.stages.observe({ stage }, timings[stage] / 1000);
        this.audio.inc(audio.seconds);
      },
      failed: (code) => this.failures.inc({ code }),
    });
    this.traffic.listen(({ method, route, status, seconds }) => {
      this.requests.observe({ method, route, status: String(status) }, seconds);
    });
    this.gauge('timbre_ready', '1 when the model is loaded.', () => (this.engine.state.status === 'ready' ? 1 : 0));
    this.gauge('timbre_queue_length', 'Recordings that wait for a worker.', () => this.engine.stats().queued);
    this.gauge('timbre_queue_limit', 'Recordings that may wait.', () => this.config.queueLimit);
    this.gauge('timbre_running', 'Recordings that are being embedded.', () => this.engine.stats().running);
    this.gauge(
      'timbre_waiting_for_memory',
      'Recordings on a worker that wait for working memory.',
      () => this.engine.stats().waitingForMemory,
    );
    this.gauge(
      'timbre_engine_input_bytes',
      'Bytes of recordings in memory that are not decoded yet.',
      () => this.engine.stats().inputBytes,
    );
    this.gauge(
      'timbre_engine_working_bytes',
      'Bytes reserved for recordings that are being embedded.',
      () => this.engine.stats().workingBytes,
    );
    this.gauge('timbre_http_requests_in_flight', 'Requests under way.', () => this.traffic.inFlight);
    this.gauge('timbre_waiting_bytes', 'Bytes of bodies that are received and worked on.', () => bodies.inUse);
    this.gauge('timbre_upload_slots_in_use', 'Requests with recordings under way.', () => this.slots.inUse);
  }

  onModuleDestroy(): void {
    this.stopListening?.();
    this.registry.clear();
  }

  /** A number that is looked up whenever somebody reads the metrics. */
  gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(value());
      },
    });
  }

  /** Numbers by label, looked up likewise; where that fails, the last ones stay and nothing else is lost. */
  gauges(name: string, help: string, label: string, values: () => Promise<Record<string, number>>): void {
    const { logger } = this;
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [this.registry],
      async collect() {
        try {
          for (const [of, value] of Object.entries(await values())) this.set({ [label]: of }, value);
        } catch (error) {
          logger.warn({ err: error, msg: `${name} cannot be read` });
        }
      },
    });
  }

  /** Gives the function that counts one more under a label. */
  counter(name: string, help: string, label: string): (of: string) => void {
    const counter = new Counter({ name, help, labelNames: [label], registers: [this.registry] });
    return (of) => counter.inc({ [label]: of });
  }
}

import type { NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { ErrorFilter } from '../common/error.filter.js';
import { createAdapter } from '../common/http-adapter.js';
import { NestLog } from '../common/logging.js';
import { Traffic } from '../common/traffic.js';
import { Config } from '../config/config.js';
import { AddonEngine } from '../engine/addon-engine.js';
import { OpenApi } from './openapi.js';
import { ServiceModule } from './service.module.js';

/** A running service. */
export interface Service {
  app: NestFastifyApplication;
  /** Of the API, `http://127.0.0.1:3000`. */
  url: string;
  /** Settles when the model is ready, rejects when it cannot be. */
  ready(): Promise<void>;
  /** Not ready, accepts nothing new, drains, fails the rest with ENGINE_CLOSED, closes. Safe to call again. */
  close(): Promise<void>;
}

/**
 * Listens at once and loads the model meanwhile, so that whoever waits for the service can ask it how far it is.
 * Errors: INVALID_ARGUMENT where a port is taken or an address is not this machine's; those of the database.
 */
export async function startService(config: Config, log: Logger): Promise<Service> {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest takes plain objects
  const options: NestApplicationOptions = { logger: new NestLog(log), bodyParser: false, abortOnError: false };
  const app = await NestFactory.create<NestFastifyApplication>(
    ServiceModule.with(config),
    createAdapter(config),
    options,
  );
  try {
    app.useGlobalFilters(app.get(ErrorFilter));
    app.get(OpenApi).of(app);
    const traffic = app.get(Traffic);
    traffic.watch(app.getHttpServer());
    await app.listen(config.port, config.host);
    return running(app, config, traffic);
  } catch (error) {
    await app.close();
    throw error;
  }
}

function running(app: NestFastifyApplication, config: Config, traffic: Traffic): Service {
  const engine = app.get(AddonEngine);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await traffic.drain(config.drainSeconds, () => engine.close());
    await app.close();
  };
  return {
    app,
    url: addressOf(app),
    ready: () => engine.ready(),
    close: () => (closing ??= close()),
  };
}

function addressOf(app: NestFastifyApplication): string {
  const address = app.getHttpServer().address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

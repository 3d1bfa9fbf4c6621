import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { AccessGuard } from '../access/access.guard.js';
import { newApiKey } from '../access/api-key.js';
import { checkExposure } from '../access/check-exposure.js';
import { guardBodies } from '../access/guard-bodies.js';
import { KeyRing } from '../access/key-ring.js';
import { KEY_HEADER } from '../access/presented-key.js';
import { errorBodyOf, ErrorFilter } from '../http/error.filter.js';
import { createApplication } from '../http/http-adapter.js';
import { addressOf, listen } from '../http/listen.js';
import { NestLog } from '../http/logging.js';
import { Traffic } from '../http/traffic.js';
import { REQUEST_ID_HEADER } from '../http/request-id.js';
import { CompatServer } from '../compat/compat.server.js';
import { Config } from '../config/config.js';
import { AddonEngine } from '../engine/addon-engine.js';
import { Draining } from '../engine/draining.js';
import { IDEMPOTENCY_HEADER, REPLAYED_HEADER } from '../idempotency/idempotency-key.js';
import { SignIn } from '../sign-in/sign-in.js';
import { AudioRoots } from '../uploads/audio-roots.js';
import { ownFewDescriptors } from './descriptors.js';
import { ServiceModule } from './service.module.js';

/** A running service. */
export interface Service {
  app: NestFastifyApplication;
  /** Of the API, `http://127.0.0.1:3000`. */
  url: string;
  /** Of the sidecar's calls; undefined where they are off. */
  sidecarUrl: string | undefined;
  /** A key for the life of this process, which is stored nowhere; `by` is how the audit trail names its user. */
  grant(by: string): string;
  /** What somebody on this machine opens to sign in, once. */
  signInLink(): Promise<string>;
  /** Settles when the model is ready, rejects when it cannot be. */
  ready(): Promise<void>;
  /** Not ready, accepts nothing new, drains, fails the rest with ENGINE_CLOSED, closes. Safe to call again. */
  close(): Promise<void>;
}

/**
 * Listens at once and loads the model meanwhile, so that whoever waits for the service can ask it how far it is.
 * Errors: INVALID_ARGUMENT where a port is taken, an address is not this machine's, or others could call without a key;
 * those of the database.
 */
export async function startService(config: Config, log: Logger): Promise<Service> {
  const app = await createApplication(ServiceModule.with(config), config, errorBodyOf, new NestLog(log));
  try {
    app.setGlobalPrefix(config.basePath);
    app.useGlobalFilters(app.get(ErrorFilter, { strict: false }));
    await checkExposure(config);
    const few = await ownFewDescriptors();
    if (few !== null) log.warn(few);
    await app.get(AudioRoots, { strict: false }).makeOwnFolder();
    guardBodies(app, app.get(AccessGuard, { strict: false }));
    allowPages(app, config);
    const traffic = app.get(Traffic, { strict: false });
    traffic.watch(app.getHttpServer());
    await listen(app, config.port, config.host, 'PORT');
    return running(app, config);
  } catch (error) {
    await app.close();
    throw error;
  }
}

/** Pages of other origins, where the configuration names them. */
function allowPages(app: NestFastifyApplication, { corsOrigins }: Config): void {
  if (corsOrigins.length === 0) return;
  app.enableCors({
    origin: [...corsOrigins],
    methods: ['GET', 'POST', 'PATCH', 'PUT', 'DELETE'],
    allowedHeaders: [
      'authorization',
      KEY_HEADER,
      'content-type',
      'last-event-id',
      IDEMPOTENCY_HEADER,
      REQUEST_ID_HEADER,
    ],
    exposedHeaders: ['retry-after', 'location', REPLAYED_HEADER, REQUEST_ID_HEADER],
    maxAge: 600,
  });
}

function running(app: NestFastifyApplication, config: Config): Service {
  const engine = app.get(AddonEngine, { strict: false });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await app.get(Draining, { strict: false }).done();
    await app.close();
  };
  return {
    app,
    url: addressOf(app) + config.basePath,
    sidecarUrl: app.get(CompatServer, { strict: false }).url,
    grant: (by) => {
      const { key, text } = newApiKey({ name: by, scopes: ['admin'] }, new Date());
      app.get(KeyRing, { strict: false }).grant({ ...key, by });
      return text;
    },
    signInLink: async () => {
      const url = new URL(`${addressOf(app)}${config.basePath}/`);
      if (['0.0.0.0', '[::]'].includes(url.hostname)) url.hostname = 'localhost';
      const { code } = await app.get(SignIn, { strict: false }).link();
      url.hash = `sign-in=${code}`;
      return url.href;
    },
    ready: () => engine.ready(),
    close: () => (closing ??= close()),
  };
}

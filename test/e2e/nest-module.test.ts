import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Controller, Get, Injectable, Module, type INestApplication } from '@nestjs/common';
import { ModulesContainer, NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import type { Module as NestContainerModule } from '@nestjs/core/injector/module.js';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { addressOf } from '../../src/service/http/listen.js';
import {
  Config,
  EmbeddingEngine,
  Enrollments,
  Identification,
  Jobs,
  recordingOf,
  Speakers,
  TimbreModule,
  Verification,
} from '../../src/service/nest.js';
import { keyIn, LOCAL_KEY_FILE } from '../../src/support/key-file.js';
import { formOf, wav, Workshop } from './support.js';

/** Before any application has started. */
const ENVIRONMENT = { ...process.env };

let workshop: Workshop;
let model: string;

beforeAll(async () => {
  workshop = await Workshop.open();
  model = await workshop.bundle();
});

afterAll(() => workshop.remove());

@Injectable()
class Greeter {
  constructor(private readonly engine: EmbeddingEngine) {}

  async greet(): Promise<string> {
    await this.engine.ready();
    return `hello from ${this.engine.info().id}`;
  }
}

@Controller('greeting')
class GreetingController {
  constructor(private readonly greeter: Greeter) {}

  @Get()
  greet(): Promise<string> {
    return this.greeter.greet();
  }
}

describe.each([
  ['Fastify', () => new FastifyAdapter()],
  ['Express', () => new ExpressAdapter()],
])("another application's module on %s", (name, adapter) => {
  let app: INestApplication;
  let url: string;
  let uploadDir: string;

  beforeAll(async () => {
    uploadDir = workshop.path(`uploads-${name}`);
    const folders = { dataDir: workshop.path(`data-${name}`), uploadDir };
    const settings = { model, workers: 1, ...folders, uploadMemoryBytes: 0, maxUploadBytes: 100_000 };
    @Module({
      imports: [TimbreModule.forRoot(settings)],
      controllers: [GreetingController],
      providers: [Greeter],
    })
    class Host {}
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest takes plain objects
    app = await NestFactory.create(Host, adapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    url = addressOf(app);
  });

  afterAll(() => app.close());

  /** With the local key, which the module makes as the service does. */
  async function embed(seconds: number): Promise<Response> {
    const key = keyIn(await readFile(join(workshop.path(`data-${name}`), LOCAL_KEY_FILE), 'utf8'));
    const headers = { authorization: `Bearer ${key}` };
    return fetch(`${url}/v1/embeddings`, { method: 'POST', headers, body: formOf([['audio', wav(seconds)]]) });
  }

  test('injects the engine', async () => {
    expect(await (await fetch(`${url}/greeting`)).text()).toBe('hello from small');
  });

  test('has the calls of the service', async () => {
    const ready = await fetch(`${url}/health/ready`);
    expect(ready.status).toBe(200);
    expect((await fetch(`${url}/v1/embeddings`, { method: 'POST', body: formOf([['audio', wav(1)]]) })).status).toBe(
      401,
    );
    const answer = await embed(1);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ dimension: 32, results: [{ index: 0 }] });
    expect(await readdir(uploadDir)).toEqual([]);
  });

  test('has its errors', async () => {
    const answer = await embed(5);
    expect(answer.status).toBe(413);
    expect(answer.headers.get('x-request-id')).not.toBeNull();
    expect(await answer.json()).toMatchObject({ code: 'AUDIO_TOO_LARGE' });
    expect(await readdir(uploadDir)).toEqual([]);
  });
});

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  let text = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += new TextDecoder().decode(part.value);
  }
  return text;
}

/** The classes of the modules that a module's imports lead to. */
function reachedFrom(start: unknown, modules: readonly NestContainerModule[]): Set<unknown> {
  const reached = new Set(modules.filter(({ metatype }) => metatype === start));
  for (const each of reached) {
    for (const next of each.imports) if (!next.isGlobal || next.metatype === start) reached.add(next);
  }
  return new Set([...reached].map(({ metatype }) => metatype));
}

/** Starts an application around the module. */
async function start(
  imports: NonNullable<Parameters<typeof Module>[0]['imports']>,
  adapter: AbstractHttpAdapter = new ExpressAdapter(),
): Promise<INestApplication> {
  @Module({ imports, providers: [Greeter] })
  class Host {}
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest takes plain objects
  return NestFactory.create(Host, adapter, { logger: false, abortOnError: false });
}

/** The application's own guards would protect it. */
const settingsIn = (name: string) => ({
  model,
  workers: 1,
  dataDir: workshop.path(name),
  minSpeechSeconds: 0,
  requireKeys: 'application',
  consent: 'optional',
});

test('its services do for the application what its calls do for clients', async () => {
  const app = await start([TimbreModule.forRoot({ ...settingsIn('services'), enrollmentSeconds: 0, controllers: [] })]);
  try {
    await app.init();
    await app.get(EmbeddingEngine).ready();
    await app.get(Speakers).create({ id: 'ada', name: 'Ada' });
    const recording = await recordingOf(wav(2), 'ada.wav');
    const { results } = await app.get(Enrollments).enrol('ada', [recording], {});
    expect(results).toEqual([expect.objectContaining({ duplicate: false })]);
    expect(await app.get(Verification).verify('ada', recording, {})).toMatchObject({ speakerId: 'ada' });
    const found = await app.get(Identification).identify(recording, { top: 1, candidates: undefined }, {}, false);
    expect(found).toMatchObject({ decision: 'ACCEPT', speakerId: 'ada' });
    expect(await app.get(Jobs).page(10, undefined)).toMatchObject({ jobs: [], total: 0 });
  } finally {
    await app.close();
  }
});

test('no call is answered that was not chosen', async () => {
  const settings = settingsIn('chosen');
  const app = await start([TimbreModule.forRoot({ ...settings, controllers: ['health', 'embeddings'] })]);
  try {
    await app.listen(0, '127.0.0.1');
    const status = async (path: string) => (await fetch(`${addressOf(app)}${path}`)).status;
    expect(await status('/health/live')).toBe(200);
    expect(await status('/v1/speakers')).toBe(404);
    expect(await status('/metrics')).toBe(404);
  } finally {
    await app.close();
  }
});

test('settings can come from another provider', async () => {
  @Module({ providers: [{ provide: 'folder', useValue: workshop.path('async') }], exports: ['folder'] })
  class Folders {}
  const app = await start([
    TimbreModule.forRootAsync({
      imports: [Folders],
      inject: ['folder'],
      useFactory: async (dataDir: string) => ({ model, workers: 1, dataDir }),
    }),
  ]);
  try {
    await app.init();
    expect(app.get(Config).dataDir).toBe(workshop.path('async'));
  } finally {
    await app.close();
  }
});

test.each([
  [{ port: 3000 }, /^port would do nothing in a module: the application listens and logs by itself$/],
  [{ logLevel: 'info', corsOrigins: 'https://a.example' }, /^corsOrigins, logLevel would do nothing/],
  [{ host: '0.0.0.0' }, /^host would do nothing in a module: no port of the sidecar is opened \(sidecarPort\)$/],
  [{ nothing: 1 }, /nothing: there is no such setting/],
  [{ controllers: ['nothing'] }, /^controllers: there is none named "nothing"; they are metrics, health/],
] as [object, RegExp][])('the setting %j is refused where it would do nothing', async (given, message) => {
  const settings = { ...settingsIn('refused'), ...given };
  expect(() => TimbreModule.forRoot(settings)).toThrow(message);
  if ('controllers' in given) return;
  await expect(start([TimbreModule.forRootAsync({ useFactory: () => settings })])).rejects.toThrow(message);
});

test("variables that mean the application's own listener are not read", () => {
  const before = process.env['PORT'];
  process.env['PORT'] = 'a pipe';
  try {
    expect(() => TimbreModule.forRoot(settingsIn('port'))).not.toThrow();
  } finally {
    if (before === undefined) delete process.env['PORT'];
    else process.env['PORT'] = before;
  }
});

test('the environment of the application stays as it was', async () => {
  const app = await start([TimbreModule.forRoot(settingsIn('environment'))]);
  await app.init();
  await app.close();
  expect({ ...process.env }).toEqual(ENVIRONMENT);
});

test('one module is global, and no token of the service is a text', async () => {
  const app = await start([TimbreModule.forRoot(settingsIn('tokens'))]);
  try {
    const modules = [...app.get(ModulesContainer).values()];
    const ours = modules.filter(({ metatype }) => reachedFrom(TimbreModule, modules).has(metatype));
    expect(ours.filter(({ isGlobal }) => isGlobal).map(({ name }) => name)).toEqual(['TimbreModule']);
    const texts = ours.flatMap(({ providers }) => [...providers.keys()].filter((token) => typeof token === 'string'));
    expect(texts.filter((token) => !token.startsWith('TERMINUS'))).toEqual([]);
  } finally {
    await app.close();
  }
});

describe.each([
  ['Fastify', () => new FastifyAdapter()],
  ['Express', () => new ExpressAdapter()],
])('below a prefix on %s', (name, adapter) => {
  test('calls are answered, and an open stream of events ends with the application', async () => {
    // Without a model a job waits, and so do those who follow it.
    const settings = { ...settingsIn(`prefix-${name}`), model: workshop.path('missing.pt'), drainSeconds: 5 };
    const app = await start([TimbreModule.forRoot(settings)], adapter());
    app.setGlobalPrefix('voices');
    app.enableShutdownHooks();
    await app.listen(0, '127.0.0.1');
    const url = `${addressOf(app)}/voices`;
    const form = formOf([['audio', wav(2)]]);
    form.set('items', JSON.stringify([{ speakerId: 'ada' }]));
    form.set('createSpeakers', 'true');
    const answer = await fetch(`${url}/v1/training-sessions`, { method: 'POST', body: form });
    expect(answer.status).toBe(202);
    const location = new URL(answer.headers.get('location') ?? '', answer.url);
    expect((await fetch(location)).status).toBe(200);
    const events = await fetch(`${location.href}/events`);
    const reader = (events.body as ReadableStream<Uint8Array>).getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toMatch(/^retry: /);
    const stopped = performance.now();
    await app.close();
    expect(performance.now() - stopped).toBeLessThan(settings.drainSeconds * 1000);
    const rest = await readAll(reader);
    expect(rest).not.toMatch(/^event: end/m);
  });
});

test('the in-process entry reaches no part of the service', () => {
  const reached = importsOf(fileURLToPath(new URL('../../src/addon/index.ts', import.meta.url)));
  expect(reached.size).toBeGreaterThan(5);
  for (const name of reached) expect(name).not.toMatch(/nestjs|fastify|typeorm|sqlite|prom-client|pino|rxjs/);
});

/** Every package and file that a source file's imports lead to when they run. */
function importsOf(entry: string): Set<string> {
  const reached = new Set([entry]);
  for (const file of reached) {
    if (!file.endsWith('.ts')) continue;
    const source = ts.transpileModule(readFileSync(file, 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true },
    });
    for (const { fileName } of ts.preProcessFile(source.outputText).importedFiles) {
      const relative = fileName.startsWith('.');
      reached.add(relative ? fileURLToPath(new URL(fileName.replace(/\.js$/, '.ts'), `file://${file}`)) : fileName);
    }
  }
  return reached;
}

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Controller, Get, Injectable, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { addressOf } from '../../src/service/http/listen.js';
import { EmbeddingEngine, TimbreModule } from '../../src/service/nest.js';
import { keyIn, LOCAL_KEY_FILE } from '../../src/support/key-file.js';
import { formOf, wav, Workshop } from './support.js';

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

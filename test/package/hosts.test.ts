import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { servicePackages } from '../../src/support/package.js';
import { LOCAL_KEY_FILE } from '../../src/support/key-file.js';
import { formOf, wav } from '../e2e/support.js';
import { clean, Project, ROOT, run, type OtherVersions } from './project.js';

const CHECKPOINT = join(ROOT, 'test', 'fixtures', 'checkpoints', 'speechbrain-c16.ckpt');

/** The oldest Nest that the package takes: an application need not have the one that the package was made with. */
const OLDEST_NEST: OtherVersions = {
  '@nestjs/common': {
    version: '12.4.0',
    integrity: 'sha512-waVAKCvUJtH9icwnNOxLcx9MDV5hKMpftts3D25SGDIRR5n23jTi53q0lQapc5qmZHLFzNR1jxDsF2g6OdyJIQ==',
  },
  '@nestjs/core': {
    version: '12.4.0',
    integrity: 'sha512-gUH66sFy9gaZrmwMWC2LfM3R0Tacxautms+NgoIJ05J6YtvBbCyRlNslqtDC2f0wDVduswRWErIrJtIHtKon4w==',
  },
  '@nestjs/platform-express': {
    version: '12.4.0',
    integrity: 'sha512-jclVP5Ncv6SnYF84HOJzIixXrsazn1228OdckJyG2KbeaWEdXS74Xnxi2iaVwqo8jcmVLia1SN6YGyj2nY+FWA==',
  },
};

/** Seconds that requests under way get when an application stops; an open stream of events takes none of them. */
const DRAIN_SECONDS = 60;

let project: Project;

beforeAll(async () => {
  const service = Object.keys(servicePackages());
  project = await Project.install([...service, '@nestjs/platform-express'], OLDEST_NEST);
  await project.takeAddon();
  await project.takeCompiled(
    'sqlite3/build/Release/node_sqlite3.node',
    'node_modules/sqlite3/build/Release/node_sqlite3.node',
  );
  const { code, stderr } = await project.runScript(`
    import { convertCheckpoint } from 'timbre-voice';
    const checkpoint = ${JSON.stringify(CHECKPOINT)};
    await convertCheckpoint({ checkpoint, family: 'speechbrain', id: 'small', out: './small.pt' });
  `);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}, 600_000);

afterAll(() => project.remove());

const ADAPTERS = {
  Fastify: ['FastifyAdapter', '@nestjs/platform-fastify'],
  Express: ['ExpressAdapter', '@nestjs/platform-express'],
} as const;

/** An application of another project that answers below a prefix and stops when it is told to. */
class Application {
  output = '';

  private constructor(
    private readonly child: ChildProcess,
    readonly data: string,
  ) {}

  static async start(on: keyof typeof ADAPTERS, name: string, model: string): Promise<[Application, string]> {
    const [adapter, from] = ADAPTERS[on];
    const data = project.path(`data-${name}`);
    const settings = { model, workers: 1, dataDir: data, consent: 'optional', drainSeconds: DRAIN_SECONDS };
    const script = project.path(`${name}.mjs`);
    await writeFile(
      script,
      `
        import 'reflect-metadata';
        import { Controller, Get, Module } from '@nestjs/common';
        import { NestFactory } from '@nestjs/core';
        import { ${adapter} } from '${from}';
        import { EmbeddingEngine, TimbreModule } from 'timbre-voice/nest';

        class Greeting {
          constructor(engine) { this.engine = engine; }
          async greet() { await this.engine.ready(); return 'hello from ' + this.engine.info().id; }
        }
        Reflect.defineMetadata('design:paramtypes', [EmbeddingEngine], Greeting);
        Get()(Greeting.prototype, 'greet', Object.getOwnPropertyDescriptor(Greeting.prototype, 'greet'));
        Controller('greeting')(Greeting);
        class Host {}
        Module({ imports: [TimbreModule.forRoot(${JSON.stringify(settings)})], controllers: [Greeting] })(Host);

        const app = await NestFactory.create(Host, new ${adapter}(), { logger: ['error'] });
        app.setGlobalPrefix('voices');
        app.enableShutdownHooks();
        await app.listen(0, '127.0.0.1');
        console.log('listens on ' + (await app.getUrl()));
      `,
    );
    const child = spawn(process.execPath, [script], { cwd: project.folder, env: clean() });
    const application = new Application(child, data);
    const url = await new Promise<string>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          application.output += text;
          const found = /listens on (\S+)\n/.exec(application.output)?.[1];
          if (found !== undefined) resolve(found);
        });
      }
      child.once('close', () => reject(new Error(`the application ended:\n${application.output}`)));
    });
    return [application, `${url}/voices`];
  }

  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const line = await readFile(join(this.data, LOCAL_KEY_FILE), 'utf8');
    return fetch(url, { ...init, headers: { authorization: line.replace(/^Authorization:/, '').trim() } });
  }

  /** SIGTERM, and how it ended. */
  async stop(): Promise<string | number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const closed = once(this.child, 'close');
      this.child.kill('SIGTERM');
      await closed;
    }
    return this.child.signalCode ?? this.child.exitCode;
  }
}

describe.each(['Fastify', 'Express'] as const)('in an application on %s, of the oldest Nest', (on) => {
  test('is what it is: another version than that of this repository', () => {
    expect(project.installed['node_modules/@nestjs/core']?.version).toBe('12.4.0');
    expect(project.installed['node_modules/timbre-voice/node_modules/@nestjs/core']).toBeUndefined();
  });

  test('the calls are answered below its prefix, the engine is injected, and a signal ends it', async () => {
    const [app, url] = await Application.start(on, `calls-${on}`, project.path('small.pt'));
    try {
      expect(await (await fetch(`${url}/greeting`)).text()).toBe('hello from small');
      expect((await fetch(`${url}/health/ready`)).status).toBe(200);
      expect((await fetch(`${url}/v1/embeddings`, { method: 'POST' })).status).toBe(401);
      const body = formOf([['audio', wav(1)]]);
      const answer = await app.fetch(`${url}/v1/embeddings`, { method: 'POST', body });
      expect(await answer.json()).toMatchObject({ dimension: 32, results: [{ index: 0 }] });
    } finally {
      expect(await app.stop()).toBe('SIGTERM');
    }
    expect(app.output).toMatch(/^listens on \S+\n$/);
  });

  test('an open stream of events ends with it, before the time that requests get is over', async () => {
    // Without a model a job waits, and so do those who follow it.
    const [app, url] = await Application.start(on, `events-${on}`, project.path('missing.pt'));
    try {
      const form = formOf([['audio', wav(2)]]);
      form.set('items', JSON.stringify([{ speakerId: 'ada' }]));
      form.set('createSpeakers', 'true');
      const accepted = await app.fetch(`${url}/v1/training-sessions`, { method: 'POST', body: form });
      expect(accepted.status).toBe(202);
      const location = new URL(accepted.headers.get('location') ?? '', accepted.url);
      const events = await app.fetch(`${location.href}/events`);
      const reader = (events.body as ReadableStream<Uint8Array>).getReader();
      expect(new TextDecoder().decode((await reader.read()).value)).toMatch(/^retry: /);
      const began = performance.now();
      const stopped = app.stop();
      let rest = '';
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        rest += new TextDecoder().decode(part.value);
      }
      expect(await stopped).toBe('SIGTERM');
      expect(performance.now() - began).toBeLessThan(DRAIN_SECONDS * 1000);
      expect(rest).not.toMatch(/^event: end/m);
    } finally {
      await app.stop();
    }
  });
});

test('its types serve a strict project on Express, which has no Fastify', async () => {
  for (const name of ['fastify', '@nestjs/platform-fastify']) {
    await rm(project.path('node_modules', name), { recursive: true });
  }
  await writeFile(
    project.path('host.ts'),
    `
      import 'reflect-metadata';
      import { Controller, Get, Module } from '@nestjs/common';
      import { EmbeddingEngine, TimbreModule, Verification, type VerificationView } from 'timbre-voice/nest';

      @Controller('model')
      export class ModelController {
        constructor(
          private readonly engine: EmbeddingEngine,
          readonly verification: Verification,
        ) {}

        @Get()
        async name(): Promise<string> {
          await this.engine.ready();
          return this.engine.info().model;
        }

        of(view: VerificationView): string | null {
          // @ts-expect-error: there is no such field
          return view.nothing;
        }
      }

      @Module({
        imports: [TimbreModule.forRoot({ model: 'starter', dataDir: 'voices' })],
        controllers: [ModelController],
      })
      export class AppModule {}
    `,
  );
  const compilerOptions = {
    strict: true,
    noEmit: true,
    module: 'NodeNext',
    target: 'ES2023',
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules', '@types')],
  };
  await writeFile(project.path('tsconfig.json'), JSON.stringify({ compilerOptions, files: ['host.ts'] }));
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { code, stdout } = await run(process.execPath, [tsc, '-p', project.folder], project.folder);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
});

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { spoken, TestService, until, Workshop } from '../e2e/support.js';
import { Cluster } from './cluster.mjs';
import { Proxy } from './proxy.js';

// Failures that are provoked are told to nobody.
Logger.overrideLogger(false);

const SCHEMA = 'voices';

let workshop: Workshop;
let model: string;
let primary: Cluster;
let standby: Cluster;
let proxy: Proxy;
let service: TestService;

beforeAll(async () => {
  workshop = await Workshop.open();
  model = await workshop.bundle();
});

afterEach(async () => {
  await service.close();
  await proxy.stop();
  await standby.remove();
  await primary.remove();
});

afterAll(() => workshop.remove());

/** A service at an address that leads to the primary, which a standby follows. */
async function begin(): Promise<void> {
  primary = await Cluster.start();
  standby = await primary.standby();
  proxy = await Proxy.start(primary.port);
  service = await TestService.start(workshop, {
    model,
    dataDir: workshop.path(`data-${primary.port}`),
    databaseUrl: primary.url({ port: proxy.port }),
    databaseSchema: SCHEMA,
    storageWaitSeconds: 3,
    enrollmentSeconds: 8,
    minSpeechSeconds: 1,
  });
  await service.service.ready();
}

const recording = (voice: string, sentence: 0 | 1 | 2): FormData => {
  const form = new FormData();
  form.append('audio', new Blob([new Uint8Array(spoken(voice, sentence))]), 'recording.wav');
  return form;
};

async function enrol(id: string, voice: string): Promise<void> {
  expect((await service.postJson('/v1/speakers', { id })).status).toBe(201);
  for (const sentence of [0, 1] as const) {
    const path = `/v1/speakers/${id}/enrollments`;
    expect((await service.call(path, { method: 'POST', body: recording(voice, sentence) })).status).toBe(201);
  }
}

async function identified(): Promise<string[]> {
  const { status, body } = await service.call('/v1/identify', { method: 'POST', body: recording('m1', 2) });
  expect(status).toBe(200);
  return (body as { ranking: { speakerId: string }[] }).ranking.map(({ speakerId }) => speakerId);
}

const status = async (path: string): Promise<number> => (await service.fetch(path)).status;

describe('a standby that takes over', () => {
  it('is gone on with, and has all that was acknowledged where it is synchronous', async () => {
    await begin();
    primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.ask('SELECT pg_reload_conf()');
    await until(() => primary.ask('SHOW synchronous_standby_names') === '*');
    await enrol('ada', 'm1');
    expect(await identified()).toEqual(['ada']);
    await primary.stop();
    expect(await service.call('/v1/speakers')).toMatchObject({ status: 503, body: { code: 'STORAGE_UNAVAILABLE' } });
    standby.promote();
    proxy.lead(standby.port);
    await until(async () => (await status('/v1/speakers/ada')) === 200, 30);
    expect(await identified()).toEqual(['ada']);
    await enrol('bob', 'f2');
    expect((await identified()).sort()).toEqual(['ada', 'bob']);
    expect((await service.call('/v1/speakers/ada', { method: 'DELETE' })).status).toBe(200);
    expect(await identified()).toEqual(['bob']);
  }, 180_000);

  it('and lacks what was acknowledged is refused, also by a service that runs, until the other one is back', async () => {
    await begin();
    await enrol('ada', 'm1');
    await until(() => standby.ask(`SELECT count(*) FROM ${SCHEMA}.enrollments`) === '2');
    await standby.stop();
    await enrol('bob', 'f2');
    expect((await service.call('/v1/speakers/ada', { method: 'DELETE' })).status).toBe(200);
    await primary.stop();
    await standby.run();
    standby.promote();
    proxy.lead(standby.port);
    const refusal = { status: 500, body: { code: 'STORAGE_ROLLED_BACK' } };
    await until(async () => (await status('/v1/speakers')) === 500, 30);
    expect(await service.call('/v1/speakers/ada')).toMatchObject(refusal);
    expect(await service.call('/v1/identify', { method: 'POST', body: recording('m1', 2) })).toMatchObject(refusal);
    expect(await service.postJson('/v1/speakers', { id: 'cleo' })).toMatchObject(refusal);
    expect(await status('/health/ready')).toBe(503);
    await standby.stop();
    await primary.run();
    proxy.lead(primary.port);
    await until(async () => (await status('/v1/speakers')) === 200, 30);
    expect(await identified()).toEqual(['bob']);
    expect(await status('/health/ready')).toBe(200);
  }, 180_000);
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TimbreClient, TimbreError } from '../../src/client/index.js';
import { OPERATIONS } from '../../src/client/operations.js';
import { spoken, TestService, wav, Workshop } from './support.js';

/** The typed client, as a program uses it that has nothing else of the package. */

let workshop: Workshop;
let service: TestService;
let client: TimbreClient;

beforeAll(async () => {
  workshop = await Workshop.open();
  service = await TestService.start(workshop, { model: await workshop.bundle(), enrollmentSeconds: 4 });
  await service.service.ready();
  client = new TimbreClient({ url: `${service.url}/`, key: service.key });
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

function recording(bytes: Uint8Array): Blob {
  return new Blob([Uint8Array.from(bytes)]);
}

/** A server that answers as the test says. */
async function answering(
  handler: RequestListener,
): Promise<{ url: string; server: Server; stop: () => Promise<void> }> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { url: `http://127.0.0.1:${port}`, server, stop };
}

describe('a program with the client', () => {
  test('enrols, verifies and identifies', async () => {
    const speaker = await client.createSpeaker({ json: { id: 'ada:1@home', name: 'Ada' } });
    expect(speaker).toMatchObject({ id: 'ada:1@home', enrollmentStatus: 'Enrolling' });
    const audio = [0, 1].map((sentence) => ({ data: spoken('m1', sentence as 0 | 1), name: `${sentence}.wav` }));
    const enrolled = await client.enrol({ id: 'ada:1@home', form: { audio } });
    expect(enrolled.results).toMatchObject([
      { enrollment: { filename: '0.wav' } },
      { enrollment: { filename: '1.wav' } },
    ]);
    const form = { audio: recording(spoken('m1', 2)), falseAcceptRate: 0.01 };
    const verified = await client.verifySpeaker({ id: 'ada:1@home', form });
    expect(verified).toMatchObject({ decision: 'ACCEPT', score: { falseAcceptRate: 0.01 } });
    const found = await client.identifySpeaker({ form: { audio: recording(spoken('m1', 2)), top: 1 } });
    expect(found).toMatchObject({ decision: 'ACCEPT', speakerId: 'ada:1@home' });
    expect((await client.getInfo()).state).toBe('ready');
    expect(await client.getMetrics()).toContain('timbre_ready 1');
  });

  test('sends the key of an idempotent request, and gets the same answer again', async () => {
    await client.createSpeaker({ json: { id: 'twice' } });
    const given = { id: 'twice', 'Idempotency-Key': 'once', form: { audio: [recording(wav(2))] } };
    expect(await client.enrol(given)).toEqual(await client.enrol(given));
  });

  test('reads lists page by page', async () => {
    for (let i = 0; i < 5; i++) await client.createSpeaker({ json: { id: `page-${i}` } });
    const pages: string[][] = [];
    for await (const { speakers } of client.pages('listSpeakers', { limit: 2 })) {
      pages.push(speakers.map(({ id }) => id));
    }
    expect(pages.slice(0, -1).every((page) => page.length === 2)).toBe(true);
    expect(pages.flat().filter((id) => id.startsWith('page-'))).toHaveLength(5);
  });

  test('follows a job, removes it, and reads the trail', async () => {
    const items = JSON.stringify([{ speakerId: 'of-a-job' }]);
    const form = { audio: [recording(wav(2))], items, createSpeakers: 'true' as const };
    const job = await client.createTrainingSession({ form });
    const events: string[] = [];
    for await (const { event } of client.follow(job.id)) events.push(event);
    expect(events).toContain('item');
    expect(events.at(-1)).toBe('end');
    await expect(client.removeJob({ id: job.id })).resolves.toBeUndefined();
    const actions: string[] = [];
    for await (const entry of client.auditEntries()) actions.push((entry as { action: string }).action);
    expect(actions).toContain('speaker.created');
  });

  test('has a method for every call of the service', () => {
    for (const operation of Object.keys(OPERATIONS)) expect(operation in client).toBe(true);
  });
});

describe('errors', () => {
  test("are the service's own, with what it says", async () => {
    const error = await client.getSpeaker({ id: 'nobody' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TimbreError);
    expect(error).toMatchObject({ code: 'SPEAKER_NOT_FOUND', httpStatus: 404 });
    const keyless = new TimbreClient({ url: service.url, key: () => 'nonsense' });
    await expect(keyless.getInfo()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('say where nothing answers, or something else does', async () => {
    const { url, stop } = await answering((_, response) => {
      response.end('<html>');
    });
    await expect(new TimbreClient({ url }).getInfo()).rejects.toMatchObject({
      code: 'SERVICE_UNREACHABLE',
      message: expect.stringContaining('no Timbre service') as unknown,
    });
    await stop();
    await expect(new TimbreClient({ url }).getInfo()).rejects.toMatchObject({ code: 'SERVICE_UNREACHABLE' });
  });

  test('of a busy service are tried again after the time that it names, and told', async () => {
    let asked = 0;
    const { url, stop } = await answering((_, response) => {
      asked++;
      response.writeHead(asked < 3 ? 503 : 200, { 'retry-after': '0', 'content-type': 'application/json' });
      response.end(JSON.stringify(asked < 3 ? { code: 'OVERLOADED', message: 'busy' } : { state: 'ready' }));
    });
    const told: string[] = [];
    const patient = new TimbreClient({ url, onRetry: ({ code }) => told.push(code) });
    expect(await patient.getInfo()).toMatchObject({ state: 'ready' });
    expect(told).toEqual(['OVERLOADED', 'OVERLOADED']);
    asked = -10;
    await expect(new TimbreClient({ url, attempts: 2 }).getInfo()).rejects.toMatchObject({ code: 'OVERLOADED' });
    expect(asked).toBe(-8);
    await stop();
  });

  test('of a call that is aborted are ABORTED, also while it waits to try again', async () => {
    const { url, stop } = await answering((_, response) => {
      response.writeHead(503, { 'retry-after': '30', 'content-type': 'application/json' });
      response.end(JSON.stringify({ code: 'OVERLOADED', message: 'busy' }));
    });
    const stopping = new AbortController();
    const waiting = new TimbreClient({ url, onRetry: () => stopping.abort() });
    await expect(waiting.getInfo({}, { signal: stopping.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(client.getInfo({}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    await stop();
  });

  test('of a stream of events that breaks off are mended by asking on after the last event', async () => {
    const asked: (string | undefined)[] = [];
    const { url, stop } = await answering((request, response) => {
      asked.push(request.headers['last-event-id'] as string | undefined);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      if (asked.length === 1) {
        response.write(': hello\n\nid: 1\nevent: item\ndata: {"index":0}\n\nid: 2\nevent: it');
        setTimeout(() => response.destroy(), 50);
      } else response.end('id: 2\nevent: item\ndata: {"index":1}\n\nid: 3\nevent: end\ndata: {}\n\n');
    });
    const events: unknown[] = [];
    for await (const { event, data } of new TimbreClient({ url }).follow('a-job')) events.push([event, data]);
    expect(events).toEqual([
      ['item', { index: 0 }],
      ['item', { index: 1 }],
      ['end', {}],
    ]);
    expect(asked).toEqual([undefined, '1']);
    await stop();
  });
});

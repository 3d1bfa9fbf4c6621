import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, request as ask, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { timbre } from '../cli/support.js';
import { silence, spoken, startBuilt, until, Workshop, type TestService } from '../e2e/support.js';
import { expectAccessible } from './browsed-console.js';

/*
 * The page in a real browser on the built service with the packaged model: a microphone that plays a file, recordings of a
 * synthesiser, keys, and services that go away.
 */

const MODEL = fileURLToPath(new URL('../../models/starter.pt', import.meta.url));
/** Compressed, as it comes over the wire, bytes. */
const FIRST_PAGE_BYTES = 200_000;

type Key = Pick<TestService, 'url' | 'key'>;

let workshop: Workshop;
let browser: Browser;
let dataDir: string;
let service: Key & { child: ChildProcess; exited: Promise<unknown> };
let readKey: string;
let context: BrowserContext;
let page: Page;
/** What the page has said that it should not have: errors, and files that its policy refused. */
let problems: string[] = [];
/** Every body that the service answered as JSON. */
let answers: string[] = [];
const voice = spoken('Annie', 0);

async function start(...words: string[]): Promise<typeof service> {
  return startBuilt(dataDir, ['--model', MODEL, '--workers', '1', ...words], {
    env: { TIMBRE_ENROLLMENT_SECONDS: '6', TIMBRE_CONSENT: 'required' },
  });
}

async function call(path: string, init: RequestInit = {}): Promise<unknown> {
  const response = await fetch(service.url + path, {
    ...init,
    headers: { 'x-api-key': service.key, ...(init.headers as Record<string, string> | undefined) },
  });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return response.json();
}

async function enrol(id: string, name: string, ...recordings: Buffer[]): Promise<void> {
  const consent = { method: 'test', textVersion: '1' };
  const json = { 'content-type': 'application/json' };
  await call(`/v1/speakers/${encodeURIComponent(id)}`, {
    method: 'PUT',
    headers: json,
    body: JSON.stringify({ name, consent }),
  });
  const form = new FormData();
  for (const [i, recording] of recordings.entries())
    form.append('audio', new Blob([new Uint8Array(recording)]), `${i}.wav`);
  await call(`/v1/speakers/${encodeURIComponent(id)}/enrollments`, { method: 'POST', body: form });
}

/** Somebody who has agreed, without a recording. */
const agreed = (id: string): Promise<unknown> =>
  call('/v1/speakers', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id, consent: { method: 'test', textVersion: '1' } }),
  });

interface Opened {
  track: MediaStreamTrack;
}

/** The microphone that the page opens next says this of itself, and is at hand as `window.track`. */
const changeMicrophone = (settings: MediaTrackSettings): Promise<void> =>
  page.evaluate((said) => {
    const { mediaDevices } = navigator;
    const real = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = async (constraints) => {
      const stream = await real(constraints);
      const track = stream.getAudioTracks()[0]!;
      const own = track.getSettings();
      track.getSettings = () => ({ ...own, ...said });
      (window as unknown as Opened).track = track;
      return stream;
    };
  }, settings);

async function linkTo(): Promise<string> {
  const { path } = (await call('/v1/sign-in/links', { method: 'POST' })) as { path: string };
  return service.url + path;
}

async function open(at: string, { key = service.key, url = service.url } = {}): Promise<void> {
  await page.goto(`${url}/#${at}`);
  await page.getByRole('textbox', { name: 'API key' }).fill(key);
  await button('Sign in').click();
  await page.getByRole('navigation').waitFor();
}

const button = (name: string | RegExp): ReturnType<Page['getByRole']> =>
  page.getByRole('button', { name, exact: true });

beforeAll(async () => {
  workshop = await Workshop.open();
  dataDir = await mkdtemp(workshop.path('data-'));
  service = await start();
  const made = await timbre(['keys', 'create', '--name', 'reader', '--scope', 'read', '--data-dir', dataDir]);
  readKey = made.stdout.trim();
  await writeFile(workshop.path('voice.wav'), voice);
  const heard = workshop.path('heard.wav');
  execFileSync('ffmpeg', ['-loglevel', 'error', '-i', workshop.path('voice.wav'), '-ar', '48000', heard]);
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-background-networking',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-audio-capture=${heard}`,
    ],
  });
}, 300_000);

beforeEach(async () => {
  problems = [];
  answers = [];
  context = await browser.newContext({
    locale: 'en-GB',
    viewport: { width: 1280, height: 900 },
    permissions: ['microphone'],
  });
  // The machine may be busy with other tests.
  context.setDefaultTimeout(60_000);
  page = await context.newPage();
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) problems.push(message.text());
  });
  page.on('response', (response) => {
    if (response.headers()['content-type']?.includes('json') !== true) return;
    response.text().then(
      (text) => answers.push(text),
      () => undefined,
    );
  });
});

afterEach(async () => {
  const stored = await page.evaluate(() =>
    JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)]),
  );
  const seen = [stored, page.url()].join(' ');
  await context.close();
  // No vector has come, and nothing of a recording or a path has been kept.
  expect(answers.filter((text) => /"embedding":\s*\[/.test(text))).toEqual([]);
  expect(seen).not.toMatch(/embedding|sha256|\.wav|\/tmp\//);
  expect(problems).toEqual([]);
});

afterAll(async () => {
  await browser.close();
  service.child.kill();
  await service.exited;
  await workshop.remove();
}, 120_000);

describe('signing in', () => {
  test('by a link, once: its code leaves the address, and the key stays in memory', async () => {
    const link = await linkTo();
    await page.goto(link);
    await page.getByRole('navigation').waitFor();
    expect(page.url()).not.toContain('sign-in');
    expect(
      await page.evaluate(() => [sessionStorage.length, Object.keys(localStorage).length, document.cookie]),
    ).toEqual([0, 0, '']);
    await page.reload();
    await page.getByRole('textbox', { name: 'API key' }).waitFor();
    await page.goto('about:blank');
    await page.goto(link);
    await page.getByText('The link was used already').waitFor();
  }, 120_000);

  test('keeps the key in the tab where that is asked for, and forgets it on signing out', async () => {
    await page.goto(await linkTo());
    await page.getByRole('checkbox', { name: 'Stay signed in in this tab' }).click();
    await page.reload();
    await page.getByRole('navigation').waitFor();
    await button('Sign out').click();
    await page.getByText('You are signed out.').waitFor();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  }, 120_000);

  test('refuses a wrong key with a sentence, and says when one that was right is revoked', async () => {
    await page.goto(service.url);
    await page.getByRole('textbox', { name: 'API key' }).fill('tmb_wrong');
    await button('Sign in').click();
    await page.getByText('The service does not take this key.').waitFor();
    await expectAccessible(page);
    const { stdout } = await timbre(['keys', 'create', '--name', 'short', '--scope', 'read', '--data-dir', dataDir]);
    await open('/people', { key: stdout.trim() });
    await timbre(['keys', 'revoke', stdout.split('_')[1]!, '--data-dir', dataDir]);
    // A key that another program revokes works for a second at most.
    const answer = (): Promise<Response> =>
      fetch(`${service.url}/v1/access`, { headers: { 'x-api-key': stdout.trim() } });
    await until(async () => (await answer()).status === 401, 30);
    await page.getByRole('searchbox').fill('anybody');
    await page.getByText('The key has expired or was revoked.').waitFor();
  }, 120_000);
});

test('an empty service explains itself in three steps, on voices that it says are synthetic', async () => {
  await page.goto(await linkTo());
  await page.getByText('The samples are spoken by a program, not by people').waitFor();
  await expectAccessible(page);
  await button('Enrol Anna and Ben').click();
  await button('Anna and Ben are enrolled').waitFor();
  await button('Verify').click();
  await page.getByText('It is. The evidence is').waitFor();
  await button('Identify').click();
  await page.getByText('It is Anna (synthetic).').waitFor();
  expect((await call('/v1/speakers/sample-anna/consent')) as object).toMatchObject({ consent: { givenBy: 'nobody' } });
  await button('Erase the samples').click();
  await button('Enrol Anna and Ben').waitFor();
  expect((await call('/v1/speakers')) as object).toMatchObject({ total: 0 });
}, 300_000);

test('the first page is small, comes from the service alone, and fits a telephone', async () => {
  await page.goto(await linkTo());
  await page.getByText('This service', { exact: true }).waitFor();
  const loaded = await page.evaluate(() =>
    [performance.getEntriesByType('navigation'), performance.getEntriesByType('resource')]
      .flat()
      .map((entry) => [entry.name, (entry as PerformanceResourceTiming).encodedBodySize] as const),
  );
  expect(loaded.filter(([name]) => !name.startsWith(service.url))).toEqual([]);
  const bytes = loaded.reduce((sum, [, size]) => sum + size, 0);
  expect(bytes).toBeGreaterThan(20_000);
  expect(bytes).toBeLessThan(FIRST_PAGE_BYTES);
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await button('Open the menu').click();
  await page.getByRole('link', { name: 'People', exact: true }).click();
  await page.getByRole('heading', { name: 'People', exact: true }).waitFor();
}, 120_000);

describe('enrolling', () => {
  const NAME = 'Zoë <img src=x onerror=alert(1)> مريم 🎤';

  test('by microphone: consent first, sound as it is, and the service hears the speech', async () => {
    await page.addInitScript(() => {
      const { mediaDevices } = navigator;
      const real = mediaDevices.getUserMedia.bind(mediaDevices);
      mediaDevices.getUserMedia = async (constraints) => {
        (window as unknown as { asked: unknown }).asked = constraints;
        return real(constraints);
      };
    });
    await open('/enrol');
    await page.getByLabel('Name', { exact: true }).fill(NAME);
    await page.getByLabel('Id', { exact: true }).fill('zoe');
    expect(await button('Continue to the recordings').isDisabled()).toBe(true);
    await page.getByRole('checkbox', { name: /has agreed/ }).click();
    await page.getByLabel('How it was given').fill('signed form');
    await page.getByLabel('Version of the text').fill('2026-01');
    await expectAccessible(page);
    await button('Continue to the recordings').click();
    await page.getByRole('heading', { name: NAME }).waitFor();
    expect((await call('/v1/speakers/zoe/consent')) as object).toMatchObject({
      status: 'GIVEN',
      consent: { method: 'signed form' },
    });

    await button('Record').click();
    await page.getByText('Speech heard, about').waitFor();
    await page
      .getByRole('timer')
      .getByText(/0:(0[9]|1\d)/)
      .waitFor();
    await expectAccessible(page);
    await button('Stop').click();
    expect(await page.evaluate(() => (window as unknown as { asked: { audio: object } }).asked)).toMatchObject({
      audio: { echoCancellation: false, autoGainControl: false, noiseSuppression: false },
    });
    await button('Use this recording').click();
    await page.getByText('Enrolled: this voice can be verified').waitFor();
    const { enrollments } = (await call('/v1/speakers/zoe/enrollments')) as {
      enrollments: { accepted: boolean; audio: { seconds: number; channels: number }; speech: { seconds: number } }[];
    };
    expect(enrollments).toMatchObject([{ accepted: true, audio: { channels: 1 } }]);
    expect(enrollments[0]!.audio.seconds).toBeGreaterThan(8);
    expect(enrollments[0]!.speech.seconds).toBeGreaterThan(6);

    // The name is text wherever it stands.
    await page.getByRole('link', { name: 'People', exact: true }).click();
    await page.getByRole('link', { name: NAME }).click();
    await page.getByText('Recordings that count').waitFor();
    expect(await page.locator('img').count()).toBe(0);
    await page.getByText('Recording enrolled').waitFor();
    await expectAccessible(page);
  }, 300_000);

  test('by files: each refusal says what to change, and the others are taken', async () => {
    await agreed('files');
    await open('/enrol/files');
    await page.getByRole('tab', { name: 'Files' }).click();
    const files = [
      { name: 'notes.wav', mimeType: 'audio/wav', buffer: Buffer.from('no recording at all') },
      { name: 'quiet.wav', mimeType: 'audio/wav', buffer: silence(3) },
      { name: 'good.wav', mimeType: 'audio/wav', buffer: voice },
    ];
    await page.getByLabel('Drop recordings here').setInputFiles(files);
    await button('Use all 3').click();
    await page.getByText('This is no recording that can be read here.').waitFor();
    await page.getByText('Nobody is heard in this recording.').waitFor();
    await page.getByText('Counts', { exact: true }).waitFor();
    await expectAccessible(page);
  }, 300_000);

  test('says what to do about a microphone that is refused, a browser without worklets, and one that is unplugged', async () => {
    await enrol('zoe2', 'Zoë', voice);
    await context.clearPermissions();
    await open('/enrol/zoe2');
    await button('Record').click();
    await page.getByText('The microphone was not allowed.').waitFor();
    await expectAccessible(page);

    await context.grantPermissions(['microphone']);
    await changeMicrophone({});
    await button('Record').click();
    await page.getByText('Speech heard, about').waitFor();
    await page.evaluate(() => (window as unknown as Opened).track.dispatchEvent(new Event('ended')));
    await page.getByText('The microphone was unplugged.').waitFor();
    await button('Use this recording').waitFor();

    await page.evaluate(() => Reflect.deleteProperty(window, 'AudioWorkletNode'));
    await button('Record').click();
    await page.getByText('This browser cannot record as it is needed here').waitFor();
  }, 300_000);

  test('asks before a tab is closed in mid-recording; one that ends with its page lets the microphone go, and is kept', async () => {
    await agreed('tabs');
    await open('/enrol/tabs');
    await changeMicrophone({});
    await button('Record').click();
    await page.getByText('Speech heard, about').waitFor();
    const asks: string[] = [];
    page.on('dialog', (dialog) => {
      asks.push(dialog.type());
      void dialog.dismiss();
    });
    await page.close({ runBeforeUnload: true });
    await until(() => asks.length === 1);
    expect([asks, page.isClosed()]).toEqual([['beforeunload'], false]);

    await page.getByRole('link', { name: 'People', exact: true }).click();
    await page.getByRole('heading', { name: 'People' }).waitFor();
    expect(await page.evaluate(() => (window as unknown as Opened).track.readyState)).toBe('ended');
    await page.close({ runBeforeUnload: true });
    await until(() => asks.length === 2);
    await page.goBack();
    await button('Use this recording').waitFor();
    await button('Discard').click();
    await button('Use this recording').waitFor({ state: 'detached' });
    const closed = page.waitForEvent('close');
    const kept = await context.newPage();
    await page.close({ runBeforeUnload: true });
    await closed;
    expect(asks).toHaveLength(2);
    page = kept;
    await page.goto(service.url);
  }, 300_000);

  test('says where the microphone is a telephone', async () => {
    await agreed('narrow');
    await open('/enrol/narrow');
    await changeMicrophone({ sampleRate: 8000 });
    await button('Record').click();
    await page.getByText('This microphone has the quality of a telephone.').waitFor();
    await button('Stop').click();
    await button('Use this recording').waitFor();
  }, 300_000);

  test('sends a recording once to a service that is slow, and says that it is on its way', async () => {
    await agreed('slow');
    await open('/enrol/slow');
    await page.getByRole('tab', { name: 'Files' }).click();
    await page
      .getByLabel('Drop recordings here')
      .setInputFiles({ name: 'slow.wav', mimeType: 'audio/wav', buffer: voice });
    let [answer, sent] = [(): void => undefined, 0];
    const until_ = new Promise<void>((resolve) => (answer = resolve));
    await page.route('**/enrollments', async (route) => {
      sent++;
      await until_;
      await route.continue();
    });
    await button('Use this recording').click();
    await page.getByText('Sending …').waitFor();
    expect(await button('Use this recording').count()).toBe(0);
    // Meanwhile other pages are looked at, and it goes on.
    await page.getByRole('link', { name: 'People', exact: true }).click();
    await page.getByRole('heading', { name: 'People' }).waitFor();
    answer();
    await page.goBack();
    await page.getByText('Counts', { exact: true }).waitFor();
    expect(sent).toBe(1);
  }, 300_000);

  test('keeps a recording while the service is away, and sends it when it is back', async () => {
    await agreed('away');
    await open('/enrol/away');
    await page.getByRole('tab', { name: 'Files' }).click();
    await page
      .getByLabel('Drop recordings here')
      .setInputFiles({ name: 'kept.wav', mimeType: 'audio/wav', buffer: voice });
    const { port } = new URL(service.url);
    // It goes away while it takes the upload.
    await page.route('**/enrollments', async (route) => {
      service.child.kill('SIGKILL');
      await service.exited;
      await route.continue();
    });
    await button('Use this recording').click();
    await page.getByText('Not sent; the recording is still here.').waitFor();
    await page.getByText('The service does not answer.').waitFor();
    await page.unroute('**/enrollments');
    service = await start('--port', port);
    await button('Send again').click();
    await page.getByText('Counts', { exact: true }).waitFor();
    expect(((await call('/v1/speakers/away/enrollments')) as { enrollments: unknown[] }).enrollments).toHaveLength(1);
  }, 300_000);
});

describe('deciding', () => {
  /** What the service decides of a recording at a rate. */
  async function asks(path: string, rate: number): Promise<string | null> {
    const form = new FormData();
    form.append('falseAcceptRate', String(rate));
    form.append('audio', new Blob([new Uint8Array(spoken('Annie', 2))]), 'a.wav');
    return ((await call(path, { method: 'POST', body: form })) as { decision: string | null }).decision;
  }

  /** Moves the slider there, and gives the rate that it says. */
  async function slideTo(step: number): Promise<number> {
    const slider = page.getByRole('slider', { name: 'How many strangers can you afford to let in?' });
    await slider.fill(String(step));
    const text = (await slider.getAttribute('aria-valuetext'))!;
    return Number(/\(([\d.]+)%\)/.exec(text)![1]) / 100;
  }

  test('a claim at every rate as the service does, without another request', async () => {
    await enrol('claimed', 'Claimed', spoken('Annie', 0), spoken('Annie', 1));
    await open('/verify/claimed');
    await page.getByRole('tab', { name: 'Files' }).click();
    await page
      .getByLabel('Drop a recording here')
      .setInputFiles({ name: 'a.wav', mimeType: 'audio/wav', buffer: spoken('Annie', 2) });
    await page.getByRole('heading', { name: 'What was heard' }).waitFor();
    await expectAccessible(page);
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    for (const step of [-50, -35, -20, -10]) {
      const rate = await slideTo(step);
      const decision = await asks('/v1/speakers/claimed/verify', rate);
      await page.getByText(decision === 'ACCEPT' ? 'It is claimed' : 'It is not claimed', { exact: true }).waitFor();
    }
    expect(requests).toEqual([]);
  }, 300_000);

  test('who it is among everybody, and nobody as a usual outcome', async () => {
    await enrol('first', 'First', spoken('Annie', 0), spoken('Annie', 1));
    await enrol('other', 'Other', spoken('Gene', 0), spoken('Gene', 1));
    await open('/identify');
    await page.getByRole('tab', { name: 'Files' }).click();
    const choose = page.getByLabel('Drop a recording here');
    await choose.setInputFiles({ name: 'a.wav', mimeType: 'audio/wav', buffer: spoken('Annie', 2) });
    await page.getByRole('heading', { name: 'What was heard' }).waitFor();
    await page.getByRole('table', { name: 'Nearest people' }).waitFor();
    await expectAccessible(page);
    for (const step of [-50, -20]) {
      const rate = await slideTo(step);
      const decision = await asks('/v1/identify', rate);
      const says = { ACCEPT: /^It is (First|Claimed|Zoë)/, AMBIGUOUS: 'It is one of two', REJECT: 'It is nobody of' }[
        decision!
      ]!;
      await page.getByRole('status').getByText(says).waitFor();
    }
    // Voices of one synthesiser are alike: one that the service takes for nobody is looked for.
    const recordings = ['croak', 'whisper', 'klatt4', 'Andy', 'linda', 'm3'].map((name) => spoken(name, 2));
    const decisions = [];
    for (const recording of recordings) {
      const form = new FormData();
      form.append('audio', new Blob([new Uint8Array(recording)]), 'b.wav');
      const { decision } = (await call('/v1/identify', { method: 'POST', body: form })) as { decision: string };
      decisions.push(decision);
      if (decision === 'REJECT') break;
    }
    const stranger = recordings[decisions.indexOf('REJECT')]!;
    expect([decisions, stranger]).toEqual([expect.arrayContaining(['REJECT']), expect.any(Buffer)]);
    await choose.setInputFiles({ name: 'stranger.wav', mimeType: 'audio/wav', buffer: stranger });
    await page.getByText('That is a usual outcome').waitFor();
    expect(await page.getByRole('table', { name: 'Nearest people' }).count()).toBe(0);
  }, 300_000);
});

describe('what a key may do', () => {
  test('is all that is offered: one that only reads changes nothing', async () => {
    await enrol('seen', 'Seen', voice);
    await open('/people', { key: readKey });
    await page.getByRole('link', { name: 'Seen', exact: true }).click();
    await page.getByRole('heading', { name: 'Ledger of the profile' }).waitFor();
    await page.getByText('Recording enrolled').first().waitFor();
    const offered = await page.getByRole('main').getByRole('button').allTextContents();
    expect(offered).toEqual([]);
    expect(await page.getByRole('navigation').getByRole('link').allTextContents()).not.toContain('Enrol');
    await page.goto(`${service.url}/#/enrol/seen`);
    await page.getByText('Your key may not enrol anybody').waitFor();
  }, 120_000);

  test('somebody is found by the beginning of the name, erased, and the receipt is checked', async () => {
    await enrol('gone', 'Gone Away', voice);
    await open('/people');
    await page.getByRole('searchbox', { name: 'Name begins with' }).fill('gone a');
    await page.getByRole('link', { name: 'Gone Away' }).click();
    await button('Erase').click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.getByRole('button', { name: 'Erase' }).isDisabled()).toBe(true);
    await dialog.getByRole('textbox').fill('gone');
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Erase' }).click();
    await page.getByText('the unused parts of the database are overwritten').waitFor();
    await expectAccessible(page);
    expect((await fetch(`${service.url}/v1/speakers/gone`, { headers: { 'x-api-key': service.key } })).status).toBe(
      404,
    );
  }, 120_000);
});

describe('somebody whom two tabs show', () => {
  test('is not written over by the one that does not know, and is told of as gone where the other has erased them', async () => {
    await enrol('both', 'Both', voice);
    await open('/people/both');
    await button('Rename').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox').fill('Of this tab');
    const change = { method: 'PATCH', headers: { 'content-type': 'application/json' } };
    await call('/v1/speakers/both', { ...change, body: JSON.stringify({ name: 'Of the other tab' }) });
    await dialog.getByRole('button', { name: 'Rename' }).click();
    await dialog.getByText('Somebody else has changed this meanwhile.').waitFor();
    expect(await call('/v1/speakers/both')).toMatchObject({ name: 'Of the other tab' });
    // What the other has written is shown; whoever still wants the own name decides that.
    await page.getByRole('heading', { name: 'Of the other tab', includeHidden: true }).waitFor();
    await dialog.getByRole('button', { name: 'Rename' }).click();
    await page.getByRole('heading', { name: 'Of this tab' }).waitFor();

    await call('/v1/speakers/both', { method: 'DELETE' });
    await button('Rename').click();
    await dialog.getByRole('textbox').fill('Nobody');
    await dialog.getByRole('button', { name: 'Rename' }).click();
    await page.getByRole('heading', { name: 'Not here' }).waitFor();
  }, 120_000);
});

describe('behind a proxy that takes a prefix away', () => {
  let proxy: Server;

  beforeAll(async () => {
    const to = new URL(service.url);
    proxy = createServer((request, response) => {
      if (request.url?.startsWith('/voices/') !== true) {
        response.writeHead(404).end();
        return;
      }
      const { method, headers } = request;
      const onward = ask(
        { host: to.hostname, port: to.port, path: request.url.slice('/voices'.length), method, headers },
        (answer) => {
          response.writeHead(answer.statusCode!, answer.headers);
          answer.pipe(response);
        },
      );
      request.pipe(onward);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => void proxy.close());

  test('everything is found, and nothing is asked for outside of the prefix', async () => {
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/voices`;
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await open('/people', { url });
    await page.getByRole('heading', { name: 'People', exact: true }).waitFor();
    await page.getByText(/\d+ (people|person)/).waitFor();
    expect(requests.filter((to) => !to.startsWith(url))).toEqual([]);
  }, 120_000);
});

test('colours and language are chosen and kept, and nothing serious is found by axe in either', async () => {
  await open('/people');
  await page.getByLabel('Language').selectOption('de');
  await page.getByRole('heading', { name: 'Personen' }).waitFor();
  for (const theme of ['dark', 'light']) {
    await page.getByLabel('Farben').selectOption(theme);
    for (const at of ['/', '/people', '/enrol', '/verify', '/identify']) {
      await page.evaluate((to) => (location.hash = to), at);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await expectAccessible(page);
    }
  }
  await page.reload();
  await page.getByRole('heading', { name: 'Anmelden' }).waitFor();
  expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe('light');
}, 300_000);

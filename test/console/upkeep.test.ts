import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import type { ConfigInput } from '../../src/service/config/config.js';
import { EmbeddingEngine } from '../../src/service/engine/embedding-engine.js';
import { writeHeartbeat } from '../../src/service/records/heartbeat.js';
import { UnitOfWork } from '../../src/service/records/unit-of-work.js';
import { BrowsedConsole, expectAccessible } from './browsed-console.js';
import { formOf, TestService, until, wav, Workshop } from '../e2e/support.js';

/** What keeps a service going, in a browser: the model that people are of, retention, the key of the data, webhooks. */

/** The folder of the data is known once it is made. */
const settings: ConfigInput & { dataDir?: string } = {
  enrollmentSeconds: 1,
  minSpeechSeconds: 0,
  minSnrDb: -100,
  webhooks: 'any',
};
let before: Workshop;

/** Three people of another model: two with kept recordings, one without. */
beforeAll(async () => {
  before = await Workshop.open();
  settings.dataDir = before.path('data');
  const model = await before.bundle('other', 'wespeaker');
  const service = await TestService.start(before, { ...settings, model, keepRecordings: true, sidecarPort: 'off' });
  await service.service.ready();
  await service.postJson('/v1/groups', { id: 'never' });
  const headers = { 'content-type': 'application/json' };
  await service.call('/v1/groups/never/keeping', { method: 'PUT', headers, body: JSON.stringify({ setting: 'off' }) });
  for (const [i, id] of ['ada', 'ben', 'cleo'].entries()) {
    await service.postJson('/v1/speakers', { id, ...(id === 'cleo' && { groups: ['never'] }) });
    const body = formOf([['audio', wav(4, { seed: i + 1 }), 'a.wav']]);
    expect((await service.call(`/v1/speakers/${id}/enrollments`, { method: 'POST', body })).status).toBe(201);
  }
  await service.close();
}, 300_000);

const browsed = BrowsedConsole.forTests(settings);
let page: Page;

afterAll(() => before.remove());

async function open(at: string, options: Parameters<BrowsedConsole['open']>[1] = {}): Promise<void> {
  page = await browsed.open(at, options);
  page.setDefaultTimeout(30_000);
}

const button = (name: string | RegExp): ReturnType<Page['getByRole']> =>
  page.getByRole('button', { name, exact: true });
const inDialog = (name: string): ReturnType<Page['getByRole']> =>
  page.getByRole('dialog').getByRole('button', { name, exact: true });
const row = (name: string | RegExp): ReturnType<Page['getByRole']> => page.getByRole('row', { name });
const read = async (path: string): Promise<unknown> => (await browsed.service.call(path)).body;

describe('the model in use', () => {
  test('takes people over: begun, followed, cancelled, and begun anew to its end', async () => {
    // The first recording is embedded once the test says so.
    const engine = browsed.service.service.app.get(EmbeddingEngine, { strict: false });
    const embed = engine.embedAdmitted.bind(engine);
    let letGo = (): void => undefined;
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    Object.assign(engine, {
      embedAdmitted: async (...given: Parameters<typeof embed>) => {
        await gate;
        return embed(...given);
      },
    });
    await open('/operations/model');
    await page.getByText('3 people, 1 of them without audio').waitFor();
    await page.getByText('2 recordings of 2 people').waitFor();
    await row(/^ada/).getByText('Nobody has tried yet.').waitFor();
    await row(/^cleo/).getByText('No audio is kept: the person has to come again.').waitFor();
    await expectAccessible(page);
    await button('Embed kept recordings').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('vectors of the model before go').waitFor();
    await expectAccessible(page);
    await inDialog('Embed kept recordings').click();
    await page.getByRole('progressbar', { name: 'People are moved' }).waitFor();
    await page.getByText('Running', { exact: true }).waitFor();

    await button('Cancel it').click();
    await page.getByRole('dialog').getByText('Whoever has switched stays so').waitFor();
    await inDialog('Cancel it').click();
    await page.getByText('Cancelled', { exact: true }).waitFor();
    expect(await read('/v1/models/current/re-embed')).toMatchObject({ run: { state: 'cancelled', done: 0 } });
    letGo();

    await button('Embed kept recordings').click();
    await inDialog('Embed kept recordings').click();
    // Followed without anybody asking.
    await page.getByText('Completed', { exact: true }).waitFor();
    await page.getByText('1 person, 1 of them without audio').waitFor();
    await row(/^ada/).waitFor({ state: 'detached' });
    await row(/^cleo/).waitFor();
    expect(await read('/v1/models/current/re-embed')).toMatchObject({
      run: { state: 'completed', people: 2, done: 2, recordings: 2, removed: 2 },
    });
    await expectAccessible(page);
  }, 120_000);
});

describe('what is stored', () => {
  test('goes by age again once somebody has said that the clock is right', async () => {
    await open('/operations/storage');
    const running = (): ReturnType<Page['getByText']> =>
      page.getByRole('region', { name: 'Retention' }).getByText('Running', { exact: true });
    await running().waitFor();
    expect(await button('The clock is right').count()).toBe(0);
    // As if the clock had said something else until now.
    const store = browsed.service.service.app.get(UnitOfWork, { strict: false });
    await store.transaction(({ notes }) => writeHeartbeat(notes, new Date('2001-01-01T00:00:00.000Z')));
    await open('/operations/storage');
    await page.getByText('Nothing goes by age until somebody says').waitFor();
    await expectAccessible(page);
    await button('The clock is right').click();
    await page.getByRole('dialog', { name: /^Is it .*\?$/ }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await read('/v1/retention')).toMatchObject({ state: 'paused' });
    await button('The clock is right').click();
    await inDialog('The clock is right').click();
    await running().waitFor();
    expect(await read('/v1/retention')).toMatchObject({ state: 'running' });
  });

  test('gets a new key, and everything is under it', async () => {
    await open('/operations/storage');
    const card = page.getByRole('region', { name: 'Key of the data' });
    await card.getByText('At rest').waitFor();
    const { total } = (await read('/v1/data-key/rotation')) as { total: number };
    expect(total).toBeGreaterThan(0);
    await page.getByText(`${total} of ${total}`).waitFor();
    await button('Make a new key').click();
    await page.getByRole('dialog').getByText('Backups made before need the key of before').waitFor();
    await expectAccessible(page);
    await inDialog('Make a new key').click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await card.getByText('At rest').waitFor();
    await page.getByText(`${total} of ${total}`).waitFor();
    await until(async () => ((await read('/v1/data-key/rotation')) as { finishedAt: unknown }).finishedAt !== null);
    expect(await read('/v1/data-key/rotation')).toMatchObject({ state: 'idle', done: total, keys: 1, failure: null });
    await expectAccessible(page);
  });
});

describe('webhooks', () => {
  let receiver: Server;
  let url: string;
  /** What the receiver answers. */
  let status = 200;

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      request.resume().on('end', () => {
        response.statusCode = status;
        response.end();
      });
    });
    await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  });

  afterAll(() => void receiver.close());

  test('are added with a secret that is shown once, tried, followed and removed', async () => {
    await open('/operations/webhooks');
    await page.getByText('A program that does not want to poll').waitFor();
    await button('Add a webhook').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Address' }).fill('ftp://nowhere');
    await dialog.getByRole('checkbox', { name: 'Somebody of a watch list was heard' }).check();
    await inDialog('Add a webhook').click();
    await dialog.getByRole('alert').waitFor();
    expect(browsed.problems.splice(0)).toEqual([expect.stringContaining('400')]);
    await expectAccessible(page);
    await dialog.getByRole('textbox', { name: 'Address' }).fill(url);
    await page.keyboard.press('Enter');
    const field = page.getByRole('textbox', { name: 'Secret' });
    const secret = await field.inputValue();
    expect(secret).toMatch(/^whsec_/);
    await expectAccessible(page);
    await button('I have it').click();
    await field.waitFor({ state: 'detached' });
    expect(await page.content()).not.toContain(secret);

    await page.getByRole('link', { name: url }).click();
    await page.getByText('Nothing yet.').waitFor();
    expect(await page.content()).not.toContain(secret);
    await button('Send a test').click();
    await row(/Test/).getByText('Delivered').waitFor();
    await row(/Test/).getByText('200').waitFor();
    // What is refused is tried again, and says why.
    status = 500;
    await button('Send a test').click();
    await row(/500/).getByText('Waits').waitFor();
    await expectAccessible(page);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await expectAccessible(page);
    await page.getByRole('link', { name: 'All webhooks' }).click();
    await row(/Somebody of a watch list was heard/)
      .getByText('Active')
      .waitFor();
    await page.getByRole('link', { name: url }).click();
    await button('Remove').click();
    await inDialog('Remove').click();
    await page.getByText('A program that does not want to poll').waitFor();
    expect(await read('/v1/webhooks')).toEqual({ webhooks: [] });
  }, 120_000);
});

describe('all of it', () => {
  const PARTS = ['/operations/model', '/operations/storage', '/operations/webhooks'];

  test('fits a telephone, in German and in the dark', async () => {
    await open('/operations', { colorScheme: 'dark' });
    await page.getByRole('combobox', { name: 'Language' }).selectOption('de');
    await page.setViewportSize({ width: 360, height: 740 });
    for (const [at, heading] of [
      ['/operations/model', 'Wer noch fehlt und warum'],
      ['/operations/storage', 'Schlüssel der Daten'],
      ['/operations/webhooks', 'Webhooks'],
    ] as const) {
      await page.evaluate((to) => (location.hash = to), at);
      await page.getByRole('heading', { name: heading, level: 2 }).waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
      await expectAccessible(page);
    }
  });

  test('is offered to nobody who may not do it', async () => {
    const keys = [await browsed.keyOf(['read', 'enrol']), await browsed.keyOf(['admin'], ['never'])];
    for (const key of keys) {
      await open('/operations/jobs', { key });
      await page.getByRole('heading', { name: 'No jobs' }).waitFor();
      const parts = page.getByRole('navigation', { name: 'Parts of operations' }).getByRole('link');
      for (const name of ['Model', 'Stored data', 'Webhooks']) expect(await parts.getByText(name).count()).toBe(0);
      for (const at of PARTS) {
        await page.evaluate((to) => (location.hash = to), at);
        await page.getByText('This key may not see this.').waitFor();
        expect(await page.getByRole('main').getByRole('button').count()).toBe(0);
      }
    }
  });
});

import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { BrowsedConsole, expectAccessible } from './browsed-console.js';
import { timbre } from '../cli/support.js';
import { formOf, wav } from '../e2e/support.js';

/** Recordings that are kept, in a browser: heard, saved, told of where there are none, and removed. */

const browsed = BrowsedConsole.forTests({ enrollmentSeconds: 1, minSpeechSeconds: 0, minSnrDb: -100 });
let page: Page;
/** Of the scopes that the audio takes; a command gives `vectors`, nobody does over HTTP. */
let key: string;

beforeAll(async () => {
  const { service } = browsed;
  const words = ['--name', 'listener', '--scope', 'admin', '--scope', 'vectors', '--data-dir', service.dataDir];
  const made = await timbre(['keys', 'create', ...words], { env: service.env });
  expect(made.status).toBe(0);
  key = made.stdout.trim();
  await service.postJson('/v1/groups', { id: 'kept' });
  await put('/v1/groups/kept/keeping', { setting: 'on' });
});

async function put(path: string, json: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const init = { method: 'PUT', headers, body: JSON.stringify(json) };
  expect((await browsed.service.call(path, init)).status).toBe(200);
}

async function enrol(id: string, files: Record<string, Buffer>, groups: string[] = ['kept']): Promise<void> {
  const { service } = browsed;
  expect((await service.postJson('/v1/speakers', { id, name: `${id} <b>`, groups })).status).toBe(201);
  const body = formOf(Object.entries(files).map(([name, bytes]) => ['audio', bytes, name]));
  expect((await service.call(`/v1/speakers/${id}/enrollments`, { method: 'POST', body })).status).toBe(201);
}

/** The same sound as Sun's AU, which the service reads and browsers do not play. */
function au(recording: Buffer): Buffer {
  const samples = recording.subarray(44);
  const header = Buffer.alloc(24);
  header.write('.snd');
  for (const [i, value] of [24, samples.length, 3, 16_000, 1].entries()) header.writeUInt32BE(value, 4 + 4 * i);
  return Buffer.concat([header, Buffer.from(samples).swap16()]);
}

async function open(at: string, options: Parameters<BrowsedConsole['open']>[1] = {}): Promise<void> {
  page = await browsed.open(at, { key, ...options });
  page.setDefaultTimeout(30_000);
}

const button = (name: string | RegExp): ReturnType<Page['getByRole']> =>
  page.getByRole('button', { name, exact: true });

/** What has been done in the trail, by name. */
async function timesInTrail(action: string): Promise<number> {
  const { body } = await browsed.service.call('/v1/audit?limit=500');
  return (body as { entries: { action: string }[] }).entries.filter((entry) => entry.action === action).length;
}

describe('kept recordings in the page', () => {
  test('are played from memory, once asked for, and forgotten when they are closed', async () => {
    await enrol('ada', { 'one.wav': wav(4), 'two.wav': wav(4, { seed: 2 }) });
    await open('/people/ada');
    await page.getByText('The audio of 2 recordings is kept.').waitFor();
    await page.evaluate(() => {
      const addresses = new Set<string>();
      const [make, revoke] = [URL.createObjectURL.bind(URL), URL.revokeObjectURL.bind(URL)];
      URL.createObjectURL = (content) => {
        const made = make(content);
        addresses.add(made);
        return made;
      };
      URL.revokeObjectURL = (address) => {
        addresses.delete(address);
        revoke(address);
      };
      Object.assign(window, { addresses });
    });
    const inMemory = (): Promise<number> =>
      page.evaluate(() => (window as unknown as { addresses: Set<string> }).addresses.size);
    const before = await timesInTrail('recording.exported');
    await button('Play: two.wav').focus();
    await page.keyboard.press('Enter');
    const audio = page.getByLabel('Recording two.wav');
    await audio.waitFor();
    expect(await audio.getAttribute('src')).toMatch(/^blob:/);
    await page.waitForFunction(() => document.querySelector('audio')!.currentTime > 0);
    expect(await page.evaluate(() => document.querySelector('audio')!.duration)).toBeCloseTo(4, 1);
    expect(await inMemory()).toBe(1);
    expect(await timesInTrail('recording.exported')).toBe(before + 1);
    await expectAccessible(page);
    const [download] = await Promise.all([page.waitForEvent('download'), button('Save as a file').click()]);
    expect(download.suggestedFilename()).toBe('two.wav');
    await button('Close').click();
    await audio.waitFor({ state: 'detached' });
    // That of the file that was saved is given up when the browser has it.
    await page.waitForFunction(() => (window as unknown as { addresses: Set<string> }).addresses.size === 0);
    // Nothing was fetched again for the file.
    expect(await timesInTrail('recording.exported')).toBe(before + 1);
  });

  test('are saved as a file where the browser does not play them, and that is said', async () => {
    await enrol('bea', { 'sun.au': au(wav(4, { seed: 3 })) });
    await open('/people/bea');
    const [download] = await Promise.all([page.waitForEvent('download'), button('Play: sun.au').click()]);
    expect(download.suggestedFilename()).toBe('sun.au');
    await page.getByText('This browser does not play the format.').waitFor();
    expect(await page.locator('audio').count()).toBe(0);
    await expectAccessible(page);
  });

  test('that went meanwhile are told of, and asked for again', async () => {
    await enrol('cleo', { 'gone.wav': wav(4, { seed: 4 }) });
    await open('/people/cleo');
    await button('Play: gone.wav').waitFor();
    await browsed.service.call('/v1/speakers/cleo/recordings', { method: 'DELETE' });
    await button('Play: gone.wav').click();
    await page.getByRole('alert').getByText('The audio of this recording is not kept any more.').waitFor();
    expect(browsed.problems.splice(0)).toEqual([expect.stringContaining('404')]);
  });

  test('are missed in words: whose word it was, and what is never kept', async () => {
    await enrol('dan', { 'a.wav': wav(4, { seed: 5 }) }, []);
    await open('/people/dan');
    await page.getByText('this service keeps none, unless a group says so').waitFor();
    await page
      .getByRole('row', { name: /a\.wav/ })
      .getByText('Not kept', { exact: true })
      .waitFor();
    expect(await button(/^Play/).count()).toBe(0);
    expect(await button('Remove the kept audio').count()).toBe(0);
    await browsed.service.postJson('/v1/groups', { id: 'never' });
    await put('/v1/groups/never/keeping', { setting: 'off' });
    await browsed.service.call('/v1/groups/never/members/dan', { method: 'PUT' });
    await page.reload();
    await page.getByRole('textbox', { name: 'API key' }).fill(key);
    await button('Sign in').click();
    await page.getByText('a group of this person says so').waitFor();
    await expectAccessible(page);
  });

  test('are removed after one more question, and the profile stays', async () => {
    await enrol('eve', { 'a.wav': wav(4, { seed: 6 }), 'b.wav': wav(4, { seed: 7 }) });
    await open('/people/eve');
    await button('Play: a.wav').click();
    await page.getByLabel('Recording a.wav').waitFor();
    await button('Remove the kept audio').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('This cannot be undone.').waitFor();
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect((await browsed.service.call('/v1/speakers/eve')).body).toMatchObject({ recordingsKept: 2 });
    await button('Remove the kept audio').click();
    await dialog.getByRole('button', { name: 'Remove the kept audio' }).click();
    await page.getByText('The audio of 2 recordings was removed.').waitFor();
    await page.getByText('The audio of no recording is kept.').waitFor();
    expect(await page.locator('audio').count()).toBe(0);
    await button('Remove the kept audio').waitFor({ state: 'detached' });
    expect((await browsed.service.call('/v1/speakers/eve')).body).toMatchObject({
      recordingsKept: 0,
      enrollmentsCount: 2,
    });
  });

  test('are told of by each enrolment', async () => {
    await enrol('fay', { 'a.wav': wav(4, { seed: 8 }) });
    await browsed.service.call('/v1/speakers/fay/consent', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ method: 'test', textVersion: '1' }),
    });
    await open('/enrol/fay');
    await page.getByRole('tab', { name: 'Files' }).click();
    const upload = async (name: string, buffer: Buffer): Promise<void> => {
      await page.getByLabel('Drop recordings here').setInputFiles({ name, mimeType: 'audio/wav', buffer });
      await button('Use this recording').click();
    };
    await upload('kept.wav', wav(4, { seed: 9 }));
    await page.getByText('The audio is kept.').waitFor();
    await put('/v1/groups/kept/keeping', { setting: 'off' });
    await upload('not.wav', wav(4, { seed: 10 }));
    await page.getByText('The audio is not kept: keeping is switched off.').waitFor();
    await put('/v1/groups/kept/keeping', { setting: 'on' });
  });

  test('are offered to nobody who may not have them', async () => {
    await enrol('gil', { 'a.wav': wav(4, { seed: 11 }) });
    // The key of whoever runs the service lacks `vectors`.
    await open('/people/gil', { key: browsed.service.key });
    const kept = (): ReturnType<Page['getByRole']> =>
      page.getByRole('row', { name: /a\.wav/ }).getByText('Kept', { exact: true });
    await kept().waitFor();
    await button('Remove the kept audio').waitFor();
    expect(await button(/^Play/).count()).toBe(0);
    await open('/people/gil', { key: await browsed.keyOf(['read']) });
    await kept().waitFor();
    await page.getByText('The audio of 1 recording is kept.').waitFor();
    expect(await button(/^Play|^Remove/).count()).toBe(0);
  });

  test('fit a telephone, in German and in the dark', async () => {
    await enrol('hal', { 'a rather long name of a recording.wav': wav(4, { seed: 12 }) });
    await open('/people/hal', { colorScheme: 'dark' });
    await page.getByRole('combobox', { name: 'Language' }).selectOption('de');
    await page.setViewportSize({ width: 360, height: 740 });
    await button('Anhören: a rather long name of a recording.wav').click();
    const audio = page.locator('audio');
    await audio.waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    // In sight, though the table is scrolled to its end.
    const { x, width } = (await audio.boundingBox())!;
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x + width).toBeLessThanOrEqual(360);
    await expectAccessible(page);
  });
});

import { describe, expect, test } from '@jest/globals';
import { BrowsedConsole, expectAccessible, expectCharts } from './browsed-console.js';
import { silence, until, wav } from '../e2e/support.js';

/** The page of operations in a browser, on the service. */

const browsed = BrowsedConsole.forTests({ enrollmentSeconds: 1, minSpeechSeconds: 0, minSnrDb: -100 });

describe('operations in the page', () => {
  test('the overview shows the model, the limits in force, and charts of the metrics', async () => {
    const page = await browsed.open('/operations');
    await page.getByText('Ready to answer').waitFor();
    await page.getByText(/^small@/).waitFor();
    await page.getByText('maxUploadBytes').waitFor();
    // The second reading tells how long requests take.
    await page.getByText(/half within .* 95 % within/).waitFor();
    await expectCharts(page, 2);
    await expectAccessible(page);
  });

  test('a key is made, shown once, and revoked', async () => {
    await browsed.service.postJson('/v1/groups', { id: 'acme' });
    const page = await browsed.open('/operations/keys');
    await page.getByRole('button', { name: 'Make a key' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name' }).fill('Kiosk <i>שלום</i>');
    await dialog.getByRole('checkbox', { name: 'enrol' }).check();
    // Nobody gives what he lacks.
    expect(await dialog.getByRole('checkbox', { name: 'vectors' }).isDisabled()).toBe(true);
    await dialog.getByRole('checkbox', { name: 'acme' }).check();
    await dialog.getByRole('textbox', { name: 'Ends after, days' }).fill('30');
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Make a key' }).click();
    const field = page.getByRole('textbox', { name: 'Key', exact: true });
    const text = await field.inputValue();
    expect(text).toMatch(/^tmb_/);
    const bearer = { headers: { authorization: `Bearer ${text}` } };
    const access = await browsed.service.call('/v1/access', bearer);
    expect(access.body).toMatchObject({ scopes: ['read', 'enrol'], groups: ['acme'] });
    await page.getByRole('button', { name: 'I have it' }).click();
    await field.waitFor({ state: 'detached' });
    const row = page.getByRole('row', { name: /Kiosk/ });
    await row.getByText('Active').waitFor();
    // It is in no place of the page any more.
    expect(await page.content()).not.toContain(text);
    expect(
      await page.evaluate(() => JSON.stringify([Object.entries(sessionStorage), Object.entries(localStorage)])),
    ).not.toContain('tmb_');

    await row.getByRole('button', { name: /^Revoke/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await row.getByText('Revoked').waitFor();
    expect((await browsed.service.call('/v1/access', bearer)).status).toBe(401);
  });

  test('who revokes the own key is signed out', async () => {
    const key = await browsed.keyOf(['admin']);
    const page = await browsed.open('/operations/keys', { key });
    await page
      .getByRole('row', { name: /yours/ })
      .getByRole('button', { name: /^Revoke/ })
      .click();
    await page.getByText('you are signed out').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    browsed.problems.length = 0;
  });

  test('a job is followed to its end, and removed', async () => {
    const form = new FormData();
    form.append('items', JSON.stringify([{ speakerId: 'ada' }, { speakerId: 'ada' }, { speakerId: 'ben' }]));
    form.append('createSpeakers', 'true');
    for (const [i, bytes] of [wav(4), silence(4), wav(4, { seed: 2 })].entries()) {
      form.append('audio', new Blob([new Uint8Array(bytes)]), `take ${i}.wav`);
    }
    const made = await browsed.service.call('/v1/training-sessions', { method: 'POST', body: form });
    expect(made.status).toBe(202);
    const { id } = made.body as { id: string };
    const page = await browsed.open('/operations/jobs');
    await page.getByRole('link', { name: id.slice(0, 8) }).click();
    await page.getByText('Completed').waitFor();
    await page.getByText('3 of 3').waitFor();
    await page
      .getByRole('row', { name: /take 1\.wav/ })
      .getByText(/failed|done/)
      .waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Remove the job' }).click();
    await page.getByRole('heading', { name: 'No jobs' }).waitFor();
  });

  test('the audit trail is filtered by speaker and time, and saved whole', async () => {
    await browsed.service.postJson('/v1/speakers', { id: 'eve', name: 'Eve' });
    const page = await browsed.open('/operations/audit');
    await page.getByRole('textbox', { name: 'Speaker' }).fill('eve');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    const rows = page.getByRole('region', { name: 'Audit trail' }).getByRole('row');
    await page.getByRole('region', { name: 'Audit trail' }).getByRole('cell', { name: 'speaker.created' }).waitFor();
    await until(async () => (await rows.count()) === 2, 60);
    expect(await rows.count()).toBe(2);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as JSON lines' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('audit.jsonl');
    await page.getByLabel('Until').fill('2001-01-01T00:00');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.getByText('Nothing was done that fits').waitFor();
    await expectAccessible(page);
    await page.getByRole('textbox', { name: 'Speaker' }).fill('nobody');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.getByRole('alert').waitFor();
    expect(browsed.problems.splice(0)).toEqual([expect.stringContaining('404')]);
  });

  test('the error table counts what came, and says what to do', async () => {
    await browsed.service.postForm('/v1/embeddings', [['audio', Buffer.from('no recording'), 'x.wav']]);
    const page = await browsed.open('/operations/errors');
    await page.getByRole('checkbox', { name: 'Only those that came' }).check();
    await page
      .getByRole('row', { name: /^AUDIO_/ })
      .first()
      .waitFor();
    expect(await page.getByRole('row', { name: /RATE_LIMITED/ }).count()).toBe(0);
    await page.getByRole('checkbox', { name: 'Only those that came' }).uncheck();
    await page.getByRole('searchbox').fill('ffmpeg');
    await page.getByRole('row', { name: /AUDIO_UNSUPPORTED/ }).waitFor();
    await expectAccessible(page);
  });

  test('what a key may not do is not offered', async () => {
    let page = await browsed.open('/operations/keys', { key: await browsed.keyOf(['read']) });
    await page.getByText('This key may not see this.').waitFor();
    expect(
      await page.getByRole('navigation', { name: 'Parts of operations' }).getByRole('link').allTextContents(),
    ).toEqual(['Overview', 'Jobs', 'Errors']);
    await browsed.service.postJson('/v1/groups', { id: 'acme' });
    page = await browsed.open('/operations', { key: await browsed.keyOf(['admin'], ['acme']) });
    await page.getByText('Metrics concern more than the groups of this key.').waitFor();
    expect(await page.getByRole('link', { name: 'Keys' }).count()).toBe(0);
  });
});

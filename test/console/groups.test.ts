import { afterEach, describe, expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { BrowsedConsole, expectAccessible } from './browsed-console.js';

/** Groups in a browser, on the service: made, filled, set, and taken away. */

/** Of the package: it decides at every rate. */
const MODEL = fileURLToPath(new URL('../../models/starter.pt', import.meta.url));

const browsed = BrowsedConsole.forTests({ model: MODEL });
let page: Page;

afterEach(async () => {
  const { body } = await browsed.service.call('/v1/groups?limit=500');
  for (const { id } of (body as { groups: { id: string }[] }).groups)
    await browsed.service.call(`/v1/groups/${encodeURIComponent(id)}`, { method: 'DELETE' });
});

async function open(at: string, options: Parameters<BrowsedConsole['open']>[1] = {}): Promise<void> {
  page = await browsed.open(at, options);
  page.setDefaultTimeout(30_000);
}

async function made(path: string, json: unknown): Promise<void> {
  expect((await browsed.service.postJson(path, json)).status).toBe(201);
}

/** Somebody, who may be here from another test. */
async function person(id: string, name: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const { status } = await browsed.service.call(`/v1/speakers/${encodeURIComponent(id)}`, {
    method: 'PUT',
    headers,
    body: JSON.stringify({ name }),
  });
  expect([200, 201]).toContain(status);
}

async function join(group: string, id: string): Promise<void> {
  const { status } = await browsed.service.call(`/v1/groups/${group}/members/${id}`, { method: 'PUT' });
  expect(status).toBe(204);
}

const button = (name: string | RegExp): ReturnType<Page['getByRole']> =>
  page.getByRole('button', { name, exact: true });
const inDialog = (name: string): ReturnType<Page['getByRole']> =>
  page.getByRole('dialog').getByRole('button', { name, exact: true });
const settingOf = async (path: string): Promise<unknown> => (await browsed.service.call(path)).body;
const NAME = 'Garden Street <img src=x onerror=alert(1)> 7';

describe('groups in the page', () => {
  test('are made, renamed and deleted by the keyboard alone', async () => {
    await open('/people');
    await page.getByRole('link', { name: 'Groups' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'There are no groups' }).waitFor();
    await expectAccessible(page);
    await button('Add a group').focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name' }).focus();
    await page.keyboard.type(NAME);
    await page.keyboard.press('Tab');
    await page.keyboard.type('household-7');
    await expectAccessible(page);
    await inDialog('Add a group').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: NAME, level: 1 }).waitFor();
    expect(page.url()).toContain('#/groups/household-7');
    expect(await settingOf('/v1/groups/household-7')).toMatchObject({ name: NAME, members: 0 });
    // The name is text wherever it stands.
    expect(await page.locator('img').count()).toBe(0);

    await button('Rename').focus();
    await page.keyboard.press('Enter');
    await dialog.getByRole('textbox', { name: 'Name' }).fill('Garden Street 8');
    await inDialog('Rename').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Garden Street 8', level: 1 }).waitFor();

    await button('Delete').focus();
    await page.keyboard.press('Enter');
    await dialog.getByText('Its members stay').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.keyboard.press('Enter');
    await inDialog('Delete').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'There are no groups' }).waitFor();
    expect((await browsed.service.call('/v1/groups/household-7')).status).toBe(404);
  });

  test('are listed with the number of their members, a page at a time', async () => {
    for (let i = 1; i <= 51; i++) await made('/v1/groups', { id: `g${i}`, name: `Group ${i}` });
    await person('ada', 'Ada');
    await join('g1', 'ada');
    await open('/groups');
    await page.getByText('51 groups').waitFor();
    const rows = page.getByRole('region', { name: 'Groups' }).getByRole('row');
    await page
      .getByRole('row', { name: /^Group 1 g1/ })
      .getByRole('cell', { name: '1', exact: true })
      .waitFor();
    expect(await rows.count()).toBe(51);
    await button('Next').click();
    await page.getByRole('link', { name: 'Group 51' }).waitFor();
    await page.getByRole('link', { name: 'Group 50' }).waitFor({ state: 'detached' });
    expect(await rows.count()).toBe(2);
    await button('Previous').click();
    await page.getByRole('link', { name: 'Group 50' }).waitFor();
    await page.getByRole('link', { name: 'Group 1', exact: true }).click();
    await page.getByRole('heading', { name: 'Group 1', level: 1 }).waitFor();
  }, 120_000);

  test('take people in and let them out', async () => {
    await made('/v1/groups', { id: 'home' });
    await person('ada', 'Ada Lovelace');
    await person('ben', 'Ben');
    await open('/groups/home');
    await page.getByText('Nobody belongs to the group yet.').waitFor();
    const who = page.getByRole('combobox', { name: 'Id of the person' });
    for (const id of ['ada', 'ben']) {
      await who.fill(id);
      await page.keyboard.press('Enter');
      await page.getByText(`${id} belongs to the group.`).waitFor();
    }
    await page.getByText('2 members').waitFor();
    await page.getByRole('searchbox', { name: 'Name begins with' }).fill('Ada');
    await page.getByRole('link', { name: 'Ben' }).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Ada Lovelace' }).waitFor();
    await page.getByRole('searchbox', { name: 'Name begins with' }).fill('Nobody');
    await page.getByText('No member has a name that begins so.').waitFor();
    await page.getByRole('searchbox', { name: 'Name begins with' }).fill('');
    await expectAccessible(page);

    await button('Take out: Ben').click();
    await page.getByRole('dialog').getByText('The person stays.').waitFor();
    await inDialog('Take out').click();
    await page.getByText('1 member', { exact: true }).waitFor();
    expect(await settingOf('/v1/speakers/ben')).toMatchObject({ groups: [] });

    await who.fill('nobody');
    await button('Add to the group').click();
    await page.getByRole('alert').getByText('There is nobody with this id.').waitFor();
    expect(browsed.problems.splice(0)).toEqual([expect.stringContaining('404')]);

    // A person leads to the group.
    await page.getByRole('link', { name: 'Ada Lovelace' }).click();
    await page.getByRole('link', { name: 'home', exact: true }).click();
    await page.getByRole('heading', { name: 'home', level: 1 }).waitFor();
  });

  test('are set: what is kept, what learns, who is watched for, each with what it needs', async () => {
    await made('/v1/groups', { id: 'set' });
    await open('/groups/set');
    const keeping = page.getByRole('combobox', { name: 'Keep the audio of enrolments' });
    await page.getByText('the recordings themselves are kept, and for how long').waitFor();
    await page.getByText('later recordings change the profile').waitFor();
    await page.getByText('you may look for these people without telling them').waitFor();
    // The service's own setting stands there where the group says nothing.
    await keeping.getByRole('option', { name: 'As for everybody (off)' }).waitFor({ state: 'attached' });
    expect(await button('Save: Keep the audio of enrolments').isDisabled()).toBe(true);
    await keeping.selectOption('On');
    // Nothing is set in passing.
    expect(await settingOf('/v1/groups/set/keeping')).toEqual({ group: 'set', setting: null });
    await button('Save: Keep the audio of enrolments').click();
    await page.getByText('Saved.').first().waitFor();
    expect(await settingOf('/v1/groups/set/keeping')).toEqual({ group: 'set', setting: 'on' });
    expect(await button('Save: Keep the audio of enrolments').isDisabled()).toBe(true);

    await page.getByRole('combobox', { name: 'Let profiles learn' }).selectOption('Off');
    await button('Save: Let profiles learn').focus();
    await page.keyboard.press('Enter');
    await button('Save: Let profiles learn').and(page.locator(':disabled')).waitFor();
    expect(await settingOf('/v1/groups/set/learning')).toEqual({ group: 'set', setting: 'off' });

    const watch = page.getByRole('combobox', { name: 'Watch list' });
    const saved = button('Save: Watch list').and(page.locator(':disabled'));
    await saved.waitFor();
    await watch.selectOption('On: 1 of 1,000 strangers may be reported');
    await button('Save: Watch list').click();
    await saved.waitFor();
    expect(await settingOf('/v1/groups/set/watch')).toEqual({ group: 'set', falseAcceptRate: 0.001 });
    await expectAccessible(page);
    await watch.selectOption('Off');
    await button('Save: Watch list').click();
    await saved.waitFor();
    expect(await settingOf('/v1/groups/set/watch')).toEqual({ group: 'set', falseAcceptRate: null });
  });

  test('keep a rate that a program has set, and say what cannot be done', async () => {
    await made('/v1/groups', { id: 'odd' });
    await browsed.service.call('/v1/groups/odd/watch', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ falseAcceptRate: 0.002 }),
    });
    const bound = await browsed.service.postJson('/v1/keys', { name: 'bound', scopes: ['read'], groups: ['odd'] });
    await open('/groups/odd');
    const watch = page.getByRole('combobox', { name: 'Watch list' });
    await watch.getByRole('option', { name: 'On: 1 of 500 strangers may be reported' }).waitFor({ state: 'attached' });
    expect(await watch.inputValue()).toBe('0.002');
    await button('Delete').click();
    await inDialog('Delete').click();
    await page.getByRole('dialog').getByRole('alert').getByText('API keys are bound to this group.').waitFor();
    expect(browsed.problems.splice(0)).toEqual([expect.stringContaining('409')]);
    await browsed.service.call(`/v1/keys/${(bound.body as { id: string }).id}`, { method: 'DELETE' });
    await inDialog('Delete').click();
    await page.getByRole('heading', { name: 'There are no groups' }).waitFor();

    await made('/v1/groups', { id: 'taken' });
    await button('Add a group').click();
    await page.getByRole('dialog').getByRole('textbox', { name: 'Id' }).fill('taken');
    await inDialog('Add a group').click();
    await page.getByRole('dialog').getByRole('alert').getByText('There is a group with this id already.').waitFor();
    expect(browsed.problems.splice(0)).toEqual([expect.stringContaining('409')]);
    await inDialog('Cancel').click();
    await page.evaluate(() => (location.hash = '/groups/nowhere'));
    await page.getByText('There is no group with this id').waitFor();
    expect(browsed.problems.splice(0)).toEqual([expect.stringContaining('404')]);
  });

  test('are only read with a key that may do no more', async () => {
    await made('/v1/groups', { id: 'read' });
    await person('ada', 'Ada');
    await join('read', 'ada');
    await open('/groups', { key: await browsed.keyOf(['read']) });
    await page.getByRole('link', { name: 'read', exact: true }).waitFor();
    expect(await page.getByRole('main').getByRole('button').count()).toBe(0);
    await page.getByRole('link', { name: 'read', exact: true }).click();
    await page.getByRole('link', { name: 'Ada' }).waitFor();
    await page.getByText('As for everybody (off)').waitFor();
    const main = page.getByRole('main');
    expect(await main.getByRole('button').or(main.getByRole('combobox')).count()).toBe(0);
    // Who is watched for is for administrators.
    expect(await page.getByRole('heading', { name: 'Watch list' }).count()).toBe(0);
    await expectAccessible(page);
  });

  test('are those of a key that is bound to them', async () => {
    await made('/v1/groups', { id: 'acme' });
    await made('/v1/groups', { id: 'other' });
    const { body } = await browsed.service.postJson('/v1/keys', { name: 'a', scopes: ['admin'], groups: ['acme'] });
    const { id, key } = body as { id: string; key: string };
    await open('/groups', { key });
    await page.getByText('1 group', { exact: true }).waitFor();
    expect(await button('Add a group').count()).toBe(0);
    await page.getByRole('link', { name: 'acme' }).click();
    await button('Rename').waitFor();
    await page.getByRole('combobox', { name: 'Keep the audio of enrolments' }).waitFor();
    expect(await button('Delete').count()).toBe(0);
    expect(await page.getByRole('heading', { name: 'Watch list' }).count()).toBe(0);
    await browsed.service.call(`/v1/keys/${id}`, { method: 'DELETE' });
  });

  test('fit a telephone, in German and in the dark', async () => {
    await made('/v1/groups', { id: 'a-household-with-a-rather-long-id-that-is-nowhere-broken', name: 'Gartenstraße' });
    await person('ada', 'Ada Lovelace, Gräfin');
    await join('a-household-with-a-rather-long-id-that-is-nowhere-broken', 'ada');
    await open('/groups', { colorScheme: 'dark' });
    await page.getByRole('combobox', { name: 'Language' }).selectOption('de');
    await page.setViewportSize({ width: 360, height: 740 });
    await page.getByRole('link', { name: 'Gartenstraße' }).waitFor();
    const width = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth);
    expect(await width()).toBeLessThanOrEqual(360);
    await expectAccessible(page);
    await page.getByRole('link', { name: 'Gartenstraße' }).click();
    await page.getByRole('link', { name: 'Ada Lovelace' }).waitFor();
    await page.getByRole('combobox', { name: 'Beobachtungsliste' }).waitFor();
    expect(await width()).toBeLessThanOrEqual(360);
    await expectAccessible(page);
  });
});

import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import type { ConversationResult } from '../../src/addon/types.js';
import { EmbeddingEngine } from '../../src/service/engine/embedding-engine.js';
import type { UnknownVoicesView } from '../../src/service/unknown-voices/unknown-voices.dto.js';
import { BrowsedConsole, expectAccessible } from './browsed-console.js';
import { until, wav } from '../e2e/support.js';

/** The inbox of unknown voices in a browser, on the service; who speaks when is said by the test. */

const INBOX = '/v1/unknown-voices';

const browsed = BrowsedConsole.forTests({
  enrollmentSeconds: 1,
  minSpeechSeconds: 0,
  minSnrDb: -100,
  unknownVoices: 'on',
  consent: 'required',
});
let page: Page;

beforeAll(() => {
  const engine = browsed.service.service.app.get(EmbeddingEngine, { strict: false });
  const { model, embeddingDim } = engine.info();
  Object.assign(engine, {
    admitConversation: () => Promise.resolve(),
    readyForConversations: () => Promise.resolve(),
    converse: (): Promise<ConversationResult> => Promise.resolve(conversationOf(model, embeddingDim)),
  });
});

beforeEach(async () => {
  const { service } = browsed;
  for (const state of ['open', 'named', 'merged', 'dismissed', 'blocked']) {
    const { body } = await service.call(`${INBOX}?state=${state}`);
    for (const { id } of (body as UnknownVoicesView).voices) await service.call(`${INBOX}/${id}`, { method: 'DELETE' });
  }
});

/** Two people, the second with more speech. */
function conversationOf(model: string, dimensions: number): ConversationResult {
  const speakers = [12, 20].map((ownSeconds, i) => ({
    label: String.fromCharCode(65 + i),
    speechSeconds: ownSeconds,
    ownSeconds,
    turns: 1,
    embedding: Float32Array.from({ length: dimensions }, (_, k) => Math.sin((i + 1) * (k + 1))),
  }));
  const turns = [
    { start: 0, end: 12, speaker: 'A', overlap: 0 },
    { start: 12, end: 32, speaker: 'B', overlap: 0 },
  ];
  const whole = { channelsCancel: false, channelsAlike: false, tracks: 1, track: 0, format: 'WAV/PCM_16' };
  const rest = { sampleRate: 16_000, channels: 1, channel: 'mix', complete: true, incomplete: null } as const;
  const timings = { queue: 0, decode: 0, resample: 0, speech: 0, features: 0, model: 0, total: 0 };
  return { seconds: 32, speakers, turns, model, segmentation: 'said@0123456789ab', audio: { ...whole, ...rest, seconds: 32 }, timings }; // prettier-ignore
}

async function conversed(): Promise<string> {
  const parts = [['audio', wav(1), 'a <b>meeting.wav']] as const;
  const { status, body } = await browsed.service.postForm('/v1/conversations', parts);
  expect(status).toBe(201);
  return (body as { id: string }).id;
}

async function open(at: string, options: Parameters<BrowsedConsole['open']>[1] = {}): Promise<void> {
  page = await browsed.open(at, options);
  page.setDefaultTimeout(30_000);
}

const button = (name: string | RegExp): ReturnType<Page['getByRole']> =>
  page.getByRole('button', { name, exact: true });
const inDialog = (name: string): ReturnType<Page['getByRole']> =>
  page.getByRole('dialog').getByRole('button', { name, exact: true });

async function idsOf(state = 'open'): Promise<string[]> {
  const { body } = await browsed.service.call(`${INBOX}?state=${state}`);
  return (body as UnknownVoicesView).voices.map(({ id }) => id);
}

describe('unknown voices in the page', () => {
  test('are listed, most speech first, and show where they speak alone', async () => {
    await conversed();
    await open('/conversations');
    await page.getByRole('link', { name: 'Unknown voices' }).click();
    await page.getByRole('heading', { name: 'Unknown voices', level: 1 }).waitFor();
    const rows = page.getByRole('region', { name: 'Unknown voices' }).getByRole('row');
    await until(async () => (await rows.count()) === 3, 60);
    expect(await rows.nth(1).textContent()).toContain('20 sec');
    await expectAccessible(page);
    await rows.nth(1).getByRole('link').click();
    await page.getByText('0:12–0:32').waitFor();
    // The name of a file is a text.
    await page.getByRole('link', { name: 'a <b>meeting.wav' }).waitFor();
    await page.getByRole('region', { name: 'Ledger' }).last().getByText('Kept').waitFor();
    await expectAccessible(page);
  });

  test('are named with consent, and the naming is undone', async () => {
    const conversation = await conversed();
    const [id] = await idsOf();
    await open(`/unknown-voices/${id}`);
    await button('Name it').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('Ada Lovelace');
    await dialog.getByRole('textbox', { name: /^Id/ }).fill('ada');
    await inDialog('Name it').click();
    await dialog.getByRole('alert').getByText('No consent of this person is recorded').waitFor();
    browsed.problems.length = 0;
    await dialog.getByRole('checkbox').check();
    await dialog.getByRole('textbox', { name: /^How/ }).fill('spoken');
    await dialog.getByRole('textbox', { name: /text/i }).last().fill('1');
    await expectAccessible(page);
    await inDialog('Name it').click();
    await page.getByText('It is the voice of Ada Lovelace now.').waitFor();
    await page.getByRole('heading', { name: 'Ada Lovelace', level: 1 }).waitFor();
    const read = async (): Promise<unknown> => (await browsed.service.call(`/v1/conversations/${conversation}`)).body;
    expect(await read()).toMatchObject({ speakers: [{ speakerId: null }, { speakerId: 'ada', namedBy: 'HAND' }] });
    await button('Undo: Named').click();
    await page.getByText('It was undone.').waitFor();
    await page.getByText('Unknown', { exact: true }).first().waitFor();
    expect(await read()).toMatchObject({ speakers: [{ speakerId: null }, { speakerId: null }] });
  });

  test('are merged, dismissed and blocked, with a way back', async () => {
    await conversed();
    const [id, other] = await idsOf();
    await open(`/unknown-voices/${id}`);
    await button('Is the same person as …').click();
    await page.getByRole('dialog').getByRole('combobox', { name: 'The other voice' }).selectOption(other!);
    await inDialog('Is the same person as …').click();
    await page.getByText('Both are one voice now.').waitFor();
    await page.getByText('0:00–0:12').waitFor();
    expect(await idsOf('merged')).toEqual([other]);
    await button('Undo: Merged').click();
    await page.getByText('0:00–0:12').waitFor({ state: 'detached' });
    expect(await idsOf()).toHaveLength(2);

    await button('Not a voice').click();
    await page
      .getByRole('dialog')
      .getByRole('textbox', { name: /^Reason/ })
      .fill('a radio <b>');
    await inDialog('Not a voice').click();
    await page.getByText('It is not in the list any more.').waitFor();
    await page.getByText('a radio <b>').waitFor();
    await button('Undo: Not a voice').click();
    await button('Name it').waitFor();
    await button('Undo: Not a voice').waitFor({ state: 'detached' });

    await button('Block').click();
    await page.getByText('what was deleted does not come back').waitFor();
    await inDialog('Block').click();
    await page.getByText('Nothing of conversations is kept of it.').waitFor();
    await expectAccessible(page);
    expect(await idsOf('blocked')).toEqual([id]);
    await button('Undo: Blocked').click();
    await page.getByRole('heading', { name: 'Unknown voices', level: 1 }).waitFor();
    expect(await idsOf('blocked')).toEqual([]);
  });

  test('say what changed meanwhile, and what is not there', async () => {
    await conversed();
    const [id] = await idsOf();
    await open(`/unknown-voices/${id}`);
    await button('Not a voice').waitFor();
    await browsed.service.postJson(`${INBOX}/${id}/dismiss`, {});
    await button('Not a voice').click();
    await inDialog('Not a voice').click();
    await page.getByRole('dialog').getByRole('alert').getByText('Somebody else has changed this meanwhile').waitFor();
    await page.goto(`${browsed.service.url}/#/unknown-voices/9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11`);
    await page.getByText('This voice is not there').waitFor();
    browsed.problems.length = 0;
  });

  test('are read in German, and only read with a key that may do no more', async () => {
    await conversed();
    const [id] = await idsOf();
    await open(`/unknown-voices/${id}`, { key: await browsed.keyOf(['read']) });
    await page.getByText('0:12–0:32').waitFor();
    expect(await button('Name it').count()).toBe(0);
    expect(await button(/^Undo/).count()).toBe(0);
    await page.getByRole('combobox', { name: 'Language' }).selectOption('de');
    await page.getByRole('heading', { name: 'Wo sie zu hören war' }).waitFor();
    await page.getByRole('link', { name: 'Alle unbekannten Stimmen' }).click();
    await page.getByRole('heading', { name: 'Unbekannte Stimmen', level: 1 }).waitFor();
    await expectAccessible(page);
  });
});

import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { EmbeddingEngine } from '../../src/service/engine/embedding-engine.js';
import { readRttm } from '../../src/evaluation/rttm.js';
import type { ConversationOptions, ConversationResult } from '../../src/addon/types.js';
import { BrowsedConsole, expectAccessible } from './browsed-console.js';
import { until, wav } from '../e2e/support.js';

/*
 * The page of conversations in a browser, on the service. Who speaks when is said by the test, as the network that hears it is
 * not in the repository; recordings, jobs and everything else are the service's.
 */

const browsed = BrowsedConsole.forTests({ directConversationSeconds: 30 });
/** Turns of the next conversations, by start. */
let said: [start: number, end: number, speaker: string][] = [];
/** What a conversation waits for. */
let gate: Promise<void> = Promise.resolve();

const THREE: typeof said = [
  [0.5, 4, 'A'],
  [3.5, 7, 'B'],
  [8, 11, 'A'],
];

beforeAll(() => {
  const engine = browsed.service.service.app.get(EmbeddingEngine, { strict: false });
  const { model } = engine.info();
  Object.assign(engine, {
    admitConversation: () => Promise.resolve(),
    readyForConversations: () => Promise.resolve(),
    converse: async (_: unknown, options: ConversationOptions): Promise<ConversationResult> => {
      await gate;
      return conversationOf(model, options);
    },
  });
});

afterEach(() => {
  gate = Promise.resolve();
});

function conversationOf(model: string, { channel = 'mix' }: ConversationOptions): ConversationResult {
  const labels = [...new Set(said.map(([, , speaker]) => speaker))].sort();
  const seconds = Math.max(12, ...said.map(([, end]) => end));
  const embedding = new Float32Array(16).fill(0.25);
  const speakers = labels.map((label) => {
    const own = said.filter(([, , speaker]) => speaker === label);
    const length = own.reduce((sum, [start, end]) => sum + end - start, 0);
    return { label, speechSeconds: length, ownSeconds: length, turns: own.length, embedding };
  });
  const whole = { channelsCancel: false, channelsAlike: false, tracks: 1, track: 0, format: 'WAV/PCM_16' };
  return {
    seconds,
    speakers,
    turns: said.map(([start, end, speaker]) => ({ start, end, speaker, overlap: 0 })),
    model,
    segmentation: 'said@0123456789ab',
    audio: { ...whole, seconds, sampleRate: 16_000, channels: 1, channel, complete: true, incomplete: null },
    timings: { queue: 0, decode: 0, resample: 0, speech: 0, features: 0, model: 0, total: 0 },
  };
}

/** Something else than the line of no recording, in the page. */
const WAVEFORM_IS_DRAWN = `(() => {
  const canvas = document.querySelector('canvas');
  const context = canvas?.getContext('2d');
  if (!context || canvas.width === 0) return false;
  const scale = canvas.width / canvas.clientWidth;
  const { data } = context.getImageData(canvas.width / 2, Math.round(50 * scale), 20, 1);
  return data.some((value) => value !== 0);
})()`;

const RECORDING = { name: 'a meeting <b>.wav', mimeType: 'audio/wav', buffer: wav(12) };

async function upload(page: Page): Promise<void> {
  await page.locator('input[type=file]').setInputFiles(RECORDING);
  // The small model of the tests has no calibration that knows strangers.
  await page.getByRole('checkbox', { name: 'Give voices the names of enrolled people' }).uncheck();
  await page.getByRole('button', { name: 'Find out who speaks' }).click();
}

async function opensConversation(turns: typeof said): Promise<Page> {
  said = turns;
  const page = await browsed.open('/conversations');
  await upload(page);
  await page.getByRole('heading', { name: 'Turns' }).waitFor();
  return page;
}

/** `Play 0:03 B` of each turn in the page. */
const turnButtons = async (page: Page): Promise<string[]> => {
  const texts = await page.locator('li button[aria-pressed]').allInnerTexts();
  return texts.map((text) =>
    text
      .split(/\s*\n\s*/)
      .slice(0, 3)
      .join(' '),
  );
};

async function saved(page: Page, type: 'RTTM' | 'WebVTT' | 'JSON'): Promise<{ name: string; text: string }> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: type }).click(),
  ]);
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') };
}

describe('a conversation in the page', () => {
  test('a recording is sent once, shown with its turns, and played from any of them', async () => {
    said = THREE;
    const page = await browsed.open('/conversations');
    const sent: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST') sent.push(new URL(request.url()).pathname);
    });
    await upload(page);
    await page.getByRole('heading', { name: 'a meeting <b>.wav' }).waitFor();
    expect(await turnButtons(page)).toEqual(['Play 0:00 A', 'Play 0:03 B', 'Play 0:08 A']);
    // The waveform was decoded beside the page: something else than the line of no recording is drawn.
    await until(() => page.evaluate<boolean>(WAVEFORM_IS_DRAWN), 60);

    await page.getByRole('button', { name: /^Play 0:03 B/ }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    const position = page.getByRole('slider', { name: 'Position in the recording' });
    await until(async () => Number(await position.getAttribute('aria-valuenow')) > 4, 60);
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Pause' }).waitFor({ state: 'detached' });
    // The turn has the focus: space is for the recording, and does not play the turn once more.
    expect(Number(await position.getAttribute('aria-valuenow'))).toBeGreaterThan(4);
    expect(await position.getAttribute('aria-valuetext')).toMatch(/^0:\d\d of 0:12$/);
    expect(sent.filter((path) => path.endsWith('/conversations'))).toHaveLength(1);
    await expectAccessible(page);
  });

  test('is corrected by keys and by hand, undone, and saved in each form', async () => {
    const page = await opensConversation(THREE);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('1');
    await page.getByRole('button', { name: /^Play 0:03 A/ }).waitFor();
    await page.keyboard.press('Control+z');
    await page.getByRole('button', { name: /^Play 0:03 B/ }).waitFor();

    await page.getByLabel('Name of voice B').fill('Ben & <i>co</i>');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: /^Play 0:03 Ben & <i>co<.i>/ }).waitFor();
    await page.getByLabel('To, seconds').fill('6,5');
    await page.getByRole('button', { name: 'Apply' }).click();

    const rttm = await saved(page, 'RTTM');
    expect(rttm.name).toMatch(/^a meeting .*\.rttm$/);
    const turns = [...readRttm(rttm.text, 'it').values()][0]!;
    expect(turns).toEqual([
      { start: 0.5, end: 4, speaker: 'A' },
      { start: 3.5, end: 6.5, speaker: 'Ben_&_<i>co</i>' },
      { start: 8, end: 11, speaker: 'A' },
    ]);
    expect((await saved(page, 'WebVTT')).text).toContain('<v Ben &amp; &lt;i&gt;co&lt;/i&gt;>');
    const json = JSON.parse((await saved(page, 'JSON')).text) as { speakers: object[]; turns: object[]; model: string };
    expect(json.model).toMatch(/^small@/);
    expect(json.speakers[1]).toMatchObject({ label: 'B', name: 'Ben & <i>co</i>', speakerId: null, speechSeconds: 3 });
    expect(json.turns[1]).toMatchObject({ end: 6.5, overlap: 0.5 });

    await page.getByLabel('Is the same person as').first().selectOption({ label: 'Ben & <i>co</i>' });
    await until(async () => (await page.locator('li button[aria-pressed]').count()) === 2, 60);
    expect(await turnButtons(page)).toEqual(['Play 0:00 Ben & <i>co</i>', 'Play 0:08 Ben & <i>co</i>']);
  });

  test('that waits says how far it is, can be cancelled, and is removed from the list', async () => {
    let open: () => void = () => undefined;
    gate = new Promise((resolve) => (open = resolve));
    said = THREE;
    const form = new FormData();
    form.append('audio', new Blob([new Uint8Array(wav(12))]), 'long.wav');
    const made = await browsed.service.call('/v1/conversations', {
      method: 'POST',
      headers: { prefer: 'respond-async' },
      body: form,
    });
    expect(made.status).toBe(202);
    const page = await browsed.open('/conversations');
    await page.getByRole('link', { name: 'long.wav' }).click();
    await page.getByRole('heading', { name: 'The recording is being heard' }).waitFor();
    await expectAccessible(page);
    await page.getByRole('main').getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('It was cancelled before its end.').waitFor();
    open();
    await page.getByRole('link', { name: 'All conversations' }).click();
    const row = page.getByRole('row', { name: /long\.wav/ });
    await row.getByText('Cancelled').waitFor();
    await row.getByRole('button', { name: 'Remove: long.wav' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await row.waitFor({ state: 'detached' });
  });

  test('of three hours and five thousand turns has those in sight in the page, and stays usable', async () => {
    const many = Array.from({ length: 5000 }, (_, i): (typeof said)[number] => [
      i * 2.16,
      i * 2.16 + 2.4,
      'ABCDEF'[i % 6]!,
    ]);
    const page = await opensConversation(many);
    expect(await page.locator('li button[aria-pressed]').count()).toBeLessThan(60);
    // The recording of the test is shorter, and the page says so.
    await page.getByText(/may be another one/).waitFor();
    for (let i = 0; i < 5; i++) await page.getByRole('button', { name: 'Closer' }).click();
    await page.keyboard.press('ArrowDown');
    for (let i = 0; i < 30; i++) await page.keyboard.press('ArrowDown');
    await page.locator('li button[aria-pressed=true]').waitFor();
    await page.keyboard.press('2');
    const json = JSON.parse((await saved(page, 'JSON')).text) as { turns: { speaker: string }[] };
    expect(json.turns).toHaveLength(5000);
    await expectAccessible(page);
  });

  test('in which nobody is heard, and one that is not there, say so', async () => {
    said = [];
    const page = await browsed.open('/conversations');
    await upload(page);
    await page.getByText('Nobody is heard in this recording').waitFor();
    await page.goto(`${browsed.service.url}/#/conversations/3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60`);
    await page.getByRole('alert').waitFor();
    // The browser's own line about the answer of 404.
    expect(browsed.problems.splice(0)).toEqual([expect.stringContaining('404')]);
  });

  test('is sent by nobody whose key may only read', async () => {
    const page = await browsed.open('/conversations', { key: await browsed.keyOf(['read']) });
    await page.getByText('This key may look at conversations').waitFor();
    expect(await page.getByRole('button', { name: 'Find out who speaks' }).count()).toBe(0);
    expect(await page.getByRole('button', { name: /^Remove/ }).count()).toBe(0);
  });
});

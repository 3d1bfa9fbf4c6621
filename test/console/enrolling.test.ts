import { describe, expect, test } from '@jest/globals';
import type { ConversationResult } from '../../src/addon/types.js';
import { EmbeddingEngine } from '../../src/service/engine/embedding-engine.js';
import { BrowsedConsole, expectAccessible } from './browsed-console.js';
import { spoken } from '../e2e/support.js';

/*
 * Enrolling in a browser where voices can be told apart. Who speaks is said by the test, as the network that hears it is not in
 * the repository.
 */

const browsed = BrowsedConsole.forTests({ enrollmentSeconds: 1, minSpeechSeconds: 0, minSnrDb: -100 });

/** What is heard in every recording from now on: so many people, one behind the other. */
function hears(people: number): void {
  const engine = browsed.service.service.app.get(EmbeddingEngine, { strict: false });
  const labels = Array.from({ length: people }, (_, i) => String.fromCharCode(65 + i));
  const said: Pick<ConversationResult, 'seconds' | 'speakers' | 'turns'> = {
    seconds: 3 * people,
    speakers: labels.map((label) => ({
      label,
      speechSeconds: 3,
      ownSeconds: 3,
      turns: 1,
      embedding: new Float32Array(),
    })),
    turns: labels.map((speaker, i) => ({ start: 3 * i, end: 3 * i + 3, speaker, overlap: 0 })),
  };
  Object.assign(engine, {
    hasSegmentation: () => Promise.resolve(true),
    admitConversation: () => Promise.resolve(),
    converse: () => Promise.resolve(said),
  });
}

describe('a recording in which somebody else is heard', () => {
  test('is refused in words, unless the box beside is cleared', async () => {
    hears(2);
    const consent = { method: 'test', textVersion: '1' };
    expect(await browsed.service.postJson('/v1/speakers', { id: 'ada', consent })).toMatchObject({ status: 201 });
    const page = await browsed.open('/enrol/ada');
    await page.getByRole('tab', { name: 'Files' }).click();
    const files = page.getByLabel('Drop recordings here');
    await files.setInputFiles({ name: 'two.wav', mimeType: 'audio/wav', buffer: spoken('f2', 0) });
    const box = page.getByRole('checkbox', { name: 'Refuse a recording in which somebody else is heard, too' });
    expect(await box.isChecked()).toBe(true);
    await page.getByRole('button', { name: 'Use this recording' }).click();
    await page.getByText('More than one voice is heard. Record one person alone.').waitFor();
    await expectAccessible(page);
    expect((await browsed.service.call('/v1/speakers/ada/enrollments')).body).toMatchObject({ enrollments: [] });
    expect(browsed.problems.splice(0)).toEqual([expect.stringContaining('422')]);

    await box.click();
    await page.getByRole('button', { name: 'Send again' }).click();
    await page.getByText('Counts', { exact: true }).waitFor();
  });

  test('is not asked for where voices cannot be told apart', async () => {
    const engine = browsed.service.service.app.get(EmbeddingEngine, { strict: false });
    Object.assign(engine, { hasSegmentation: () => Promise.resolve(false) });
    const consent = { method: 'test', textVersion: '1' };
    expect(await browsed.service.postJson('/v1/speakers', { id: 'bob', consent })).toMatchObject({ status: 201 });
    const page = await browsed.open('/enrol/bob');
    await page.getByRole('tab', { name: 'Files' }).click();
    await page.getByLabel('Drop recordings here').waitFor();
    // What the service says of itself is there.
    await page.getByText(/· Timbre \d/).waitFor();
    expect(await page.getByRole('checkbox', { name: /Refuse a recording/ }).count()).toBe(0);
  });
});

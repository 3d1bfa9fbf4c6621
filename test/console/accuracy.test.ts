import { describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { seededUniform } from '../../src/evaluation/bootstrap.js';
import { enrolledTrials, trialsOf } from '../../src/evaluation/enrolled-trials.js';
import { equalErrorRate } from '../../src/evaluation/metrics.js';
import { ScoredTrials } from '../../src/evaluation/scores.js';
import { gaussianQuantiles } from '../../src/evaluation/testing.js';
import { scoreTrials } from '../../src/evaluation/trial-scores.js';
import { learnCalibration } from '../../src/scoring/learn-calibration.js';
import { enrolledTrialsView } from '../../src/service/calibrations/calibrations.dto.js';
import { calibrationFile } from '../integration/saved-calibrations.js';
import { BrowsedConsole, expectAccessible, expectCharts } from './browsed-console.js';

/** The page on accuracy in a browser: nothing of a list leaves it. */

const browsed = BrowsedConsole.forTests();

/** Two normal distributions three deviations apart: an equal error rate of 6.68 %. */
const SAME = gaussianQuantiles(1000, 3);
const DIFFERENT = gaussianQuantiles(4000, 0);
const LIST = ['label\tscore', ...SAME.map((score) => `1\t${score}`), ...DIFFERENT.map((score) => `0\t${score}`)].join(
  '\n',
);

async function drop(page: Page, text: string): Promise<void> {
  const file = { name: 'scores.tsv', mimeType: 'text/tab-separated-values', buffer: Buffer.from(text) };
  await page.locator('input[type=file]').setInputFiles(file);
}

const percent = new Intl.NumberFormat('en-GB', { style: 'percent', maximumSignificantDigits: 3 });

const numberAfter = async (page: Page, words: string): Promise<number> => {
  const text = await page.getByText(words).locator('..').getByText(words).textContent();
  return Number(/[\d.,]+/.exec(text ?? '')![0].replace(',', ''));
};

describe('accuracy in the page', () => {
  test('a list is counted in the browser: rates, densities, and a point of decision', async () => {
    const page = await browsed.open('/accuracy');
    const sent: string[] = [];
    page.on('request', (request) => {
      if (request.method() !== 'GET') sent.push(request.url());
    });
    await drop(page, LIST);
    const eer = equalErrorRate(
      new ScoredTrials([...SAME, ...DIFFERENT], [...SAME.map(() => 1), ...DIFFERENT.map(() => 0)]),
    );
    expect(eer).toBeCloseTo(0.0668, 3);
    await page.getByText(percent.format(eer), { exact: true }).waitFor();
    await page.getByText('1,000 of the same person, 4,000 of different people').waitFor();
    await expectCharts(page, 2);
    await expectAccessible(page);
    expect(sent).toEqual([]);
  });

  test('more people raise the threshold, and more of them are missed; the rate is what was asked for', async () => {
    const page = await browsed.open('/accuracy');
    await drop(page, LIST);
    await page.getByText('Of 1,000 tries at 1 people').waitFor();
    // One per cent of strangers: 2.33 deviations, and 25 % of people below that.
    expect(await numberAfter(page, 'strangers are taken for somebody')).toBe(10);
    const one = await numberAfter(page, 'enrolled people are missed');
    expect(Math.abs(one - 251)).toBeLessThan(15);
    await page.getByRole('textbox', { name: 'People who are compared (N)' }).fill('100');
    await page.getByText('Of 1,000 tries at 100 people').waitFor();
    expect(await numberAfter(page, 'strangers are taken for somebody')).toBe(10);
    expect(await numberAfter(page, 'enrolled people are missed')).toBeGreaterThan(600);
    await page.getByRole('textbox', { name: 'People who are compared (N)' }).fill('half');
    await page.getByText('A whole number from 1 to 1,000,000.').waitFor();
  });

  test('the point is moved by the slider and dragged along the curve', async () => {
    const page = await browsed.open('/accuracy');
    await drop(page, LIST);
    const slider = page.getByRole('slider');
    await slider.waitFor();
    const before = await slider.inputValue();
    await slider.press('ArrowRight');
    expect(Number(await slider.inputValue())).toBe(Number(before) + 1);

    const plot = page.getByRole('img', { name: /Error trade-off/ }).locator('.u-over');
    await plot.scrollIntoViewIfNeeded();
    const box = (await plot.boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.9, box.y + box.height * 0.9, { steps: 4 });
    await page.mouse.up();
    const right = Number(await slider.inputValue());
    expect(right).toBeGreaterThan(Number(before) + 20);
    await page.mouse.move(box.x + box.width * 0.3, box.y + box.height * 0.3);
    await page.mouse.down();
    await page.mouse.up();
    expect(Number(await slider.inputValue())).toBeLessThan(right);
  });

  test('a list that cannot be read says where, and a short one what it cannot tell', async () => {
    const page = await browsed.open('/accuracy');
    await drop(page, '1 0.9\nmaybe 0.2\n');
    await page.getByText(/label of line 2 is "maybe"/).waitFor();
    await drop(page, '1 0.9\n1 0.8\n');
    await page.getByText(/there are 2 and 0/).waitFor();
    await drop(page, '1 0.9\n0 0.2\n1 0.4\n0 0.5\n');
    await page.getByText(/it is a guess/).waitFor();
    await page.getByText(/too few different people/).waitFor();
    await expectAccessible(page);
  });
});

describe('saved calibrations in the page', () => {
  const modelName = async (): Promise<string> => {
    const { body } = await browsed.service.call('/v1/info');
    return (body as { model: { name: string } }).model.name;
  };
  const answers = async (): Promise<unknown> => {
    const { body } = await browsed.service.call('/v1/calibrations');
    return (body as { answers: unknown }).answers;
  };

  test('are added from a file, put to use, taken back and removed, each by one button', async () => {
    const page = await browsed.open('/accuracy');
    await page.getByText('None is saved yet.').waitFor();
    await page.getByText('the calibration of the model itself').waitFor();
    for (const [cosine, note] of [
      [0.25, 'conference rooms'],
      [0.75, 'telephone'],
    ] as const) {
      await page.getByRole('button', { name: 'Add a calibration' }).click();
      const dialog = page.getByRole('dialog');
      const buffer = Buffer.from(JSON.stringify(calibrationFile(await modelName(), cosine)));
      const file = { name: 'calibration.json', mimeType: 'application/json', buffer };
      await dialog.locator('input[type=file]').setInputFiles(file);
      await dialog.getByRole('textbox', { name: 'Note' }).fill(note);
      await expectAccessible(page);
      await dialog.getByRole('button', { name: 'Save' }).click();
      await dialog.waitFor({ state: 'detached' });
    }
    const row = page.getByRole('row', { name: /conference rooms/ });
    await row.getByText('2,520 trials of 24 people').waitFor();
    await row.getByText('0.25', { exact: true }).waitFor();
    await row.getByText('0.255', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Use version 1' }).click();
    await page.getByText('Version 1 decides now.').waitFor();
    await row.getByText('In use').waitFor();
    expect(await answers()).toEqual({ from: 'saved', version: 1 });
    expect(await page.getByRole('button', { name: 'Remove version 1' }).count()).toBe(0);
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Use version 2' }).click();
    await page
      .getByRole('row', { name: /telephone/ })
      .getByText('In use')
      .waitFor();
    expect(await answers()).toEqual({ from: 'saved', version: 2 });
    await page.getByRole('button', { name: "Go back to the model's own" }).click();
    await page.getByText('the calibration of the model itself').waitFor();
    expect(await answers()).toEqual({ from: 'model', version: null });
    await page.getByRole('button', { name: 'Remove version 1' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await row.waitFor({ state: 'detached' });
  });

  test('that are none, or of another model, say so in the dialog', async () => {
    const page = await browsed.open('/accuracy');
    await page.getByRole('button', { name: 'Add a calibration' }).click();
    const dialog = page.getByRole('dialog');
    const give = async (text: string): Promise<void> => {
      const file = { name: 'calibration.json', mimeType: 'application/json', buffer: Buffer.from(text) };
      await dialog.locator('input[type=file]').setInputFiles(file);
      await dialog.getByRole('button', { name: 'Save' }).click();
    };
    await give('{');
    await dialog.getByText(/the file is no calibration/).waitFor();
    await give(JSON.stringify(calibrationFile('other@0123456789ab')));
    await dialog.getByText(/is for other@0123456789ab, the model is/).waitFor();
    expect(browsed.problems.splice(0)).toEqual([expect.stringContaining('409')]);
  });

  test('are shown to a key that reads, and not offered; to one that is bound to groups they are not shown', async () => {
    const { status } = await browsed.service.postJson('/v1/calibrations', {
      calibration: calibrationFile(await modelName()),
      note: 'for readers',
    });
    expect(status).toBe(201);
    const page = await browsed.open('/accuracy', { key: await browsed.keyOf(['read']) });
    await page.getByRole('row', { name: /for readers/ }).waitFor();
    for (const name of ['Add a calibration', /^Use version/, /^Remove version/]) {
      expect(await page.getByRole('button', { name }).count()).toBe(0);
    }
    expect(await browsed.service.postJson('/v1/groups', { id: 'home' })).toMatchObject({ status: 201 });
    const bound = await browsed.open('/accuracy', { key: await browsed.keyOf(['read'], ['home']) });
    await bound.getByText('No list yet').waitFor();
    expect(await bound.getByText('Saved calibrations').count()).toBe(0);
  });
});

describe('the people who are enrolled, in the page', () => {
  const USE = 'Use the people who are enrolled';
  const RECORDINGS = 5;
  const random = seededUniform(1);
  /** Of everybody who was brought, at unit length or not. */
  const enrolled: { id: string; speaker: string; embedding: Float32Array; seconds: number }[] = [];
  let everybody: number[] = [];

  const model = async (): Promise<{ name: string; embeddingDim: number }> =>
    ((await browsed.service.call('/v1/info')).body as { model: { name: string; embeddingDim: number } }).model;

  /** People whose voices are alike, so that not all of them are told apart. */
  async function bring(speakers: readonly string[]): Promise<void> {
    const { name, embeddingDim } = await model();
    const noise = (): number[] => Array.from({ length: embeddingDim }, () => random() - 0.5);
    if (everybody.length === 0) everybody = noise();
    for (const speaker of speakers) {
      const own = noise();
      const vectors = Array.from({ length: RECORDINGS }, () =>
        noise().map((x, i) => x + 2 * everybody[i]! + 0.45 * own[i]!),
      );
      expect(await browsed.service.postJson('/v1/speakers', { id: speaker })).toMatchObject({ status: 201 });
      const answer = await browsed.service.postJson(`/v1/speakers/${speaker}/vectors`, {
        vectors: vectors.map((vector) => ({ vector, model: name, speechSeconds: 8 })),
      });
      expect(answer).toMatchObject({ status: 201 });
      for (const vector of vectors) {
        enrolled.push({ id: `${enrolled.length}`, speaker, embedding: Float32Array.from(vector), seconds: 8 });
      }
    }
  }

  test('are nobody, or too few: the page says why, and shows what their cosines say', async () => {
    const page = await browsed.open('/accuracy');
    await page.getByRole('button', { name: USE }).click();
    await page.getByText(/nobody is enrolled with/).waitFor();
    expect(browsed.problems.splice(0)).toEqual([expect.stringContaining('400')]);
    await bring(['ada', 'bob', 'eve']);
    await page.getByRole('button', { name: USE }).click();
    await page.getByText(/15 recordings of 3 people, compared by/).waitFor();
    await page.getByText(/No calibration can be learned .* 7 more speakers/).waitFor();
    // Of so few each is compared with every recording of the others.
    const { list, table } = enrolledTrials(enrolled);
    const { scores, labels } = scoreTrials(list, table, 'none');
    const eer = equalErrorRate(new ScoredTrials(scores, labels));
    expect(eer).toBeGreaterThan(0);
    await page.getByText(percent.format(eer), { exact: true }).waitFor();
    await page.getByText('15 of the same person, 150 of different people').waitFor();
    await page.getByText('Cllr, on people held out').waitFor({ state: 'detached' });
    expect(await page.getByRole('button', { name: 'Save as a calibration' }).count()).toBe(0);
    await expectAccessible(page);
  });

  test('teach a calibration, whose evidence is shown, and which is saved as a version and decides', async () => {
    await bring(Array.from({ length: 21 }, (_, i) => `person-${i}`));
    const page = await browsed.open('/accuracy');
    await page.getByRole('button', { name: USE }).click();
    await page.getByText(/120 recordings of 24 people, compared by/).waitFor();
    await page.getByText('120 of the same person, 2,400 of different people').waitFor();
    const told = enrolledTrialsView.parse((await browsed.service.call('/v1/calibrations/trials')).body);
    const { scores, speakers } = trialsOf(told.trials);
    const { calibration, llrs, evidence } = learnCalibration(scores, speakers, {
      norm: 'none',
      durations: false,
      recordings: true,
      balanced: false,
    });
    const eer = equalErrorRate(new ScoredTrials(llrs, scores.labels));
    expect(eer).toBeGreaterThan(0.005);
    await page.getByText(percent.format(eer), { exact: true }).waitFor();
    await page.getByText('Cllr, on people held out').waitFor();
    const bits = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 3 });
    await page.getByText(`${bits.format(evidence.crossValidatedCllr)} bit`, { exact: true }).waitFor();
    await expectCharts(page, 2);
    await expectAccessible(page);

    await page.getByRole('button', { name: 'Save as a calibration' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Note' }).fill('our own people');
    await dialog.getByText('Use it at once').click();
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    const row = page.getByRole('row', { name: /our own people/ });
    await row.getByText('2,520 trials of 24 people').waitFor();
    await row.getByText('In use').waitFor();
    const { body } = await browsed.service.call('/v1/calibrations?limit=1');
    const [{ version }] = (body as { calibrations: [{ version: number }] }).calibrations;
    expect((await browsed.service.call(`/v1/calibrations/${version}`)).body).toMatchObject({
      model: (await model()).name,
      from: 'people',
      inUse: true,
      calibration: {
        calibration: JSON.parse(JSON.stringify(calibration)) as object,
        learned: { from: 'people who were enrolled', recordings: 120, balanced: false },
      },
    });
    await page.getByRole('button', { name: "Go back to the model's own" }).click();
    await page.getByText('the calibration of the model itself').waitFor();

    await drop(page, LIST);
    await page.getByText('1,000 of the same person, 4,000 of different people').waitFor();
    expect(await page.getByRole('button', { name: 'Save as a calibration' }).count()).toBe(0);
  });

  test('fit a telephone, in German and in the dark', async () => {
    const page = await browsed.open('/accuracy', { colorScheme: 'dark' });
    await page.getByRole('combobox', { name: 'Language' }).selectOption('de');
    await page.setViewportSize({ width: 360, height: 740 });
    await page.getByRole('button', { name: 'Die angelernten Personen nehmen' }).click();
    await page.getByText(/120 Aufnahmen von 24 Personen, verglichen von/).waitFor();
    await page.getByRole('button', { name: 'Als Kalibrierung sichern' }).waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await expectAccessible(page);
  });

  test('are offered to admin alone, and not to a key that is bound to groups', async () => {
    for (const key of [await browsed.keyOf(['read']), await browsed.keyOf(['admin'], ['home'])]) {
      const page = await browsed.open('/accuracy', { key });
      await page.getByText('No list yet').waitFor();
      // It is there once the page knows what the key may do.
      await page.getByRole('link', { name: 'Accuracy' }).waitFor();
      expect(await page.getByRole('button', { name: USE }).count()).toBe(0);
    }
  });
});

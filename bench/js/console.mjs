// The console in a browser: when its first page can be used, and how a list of many people pages, scrolls and is searched.
//
//   npm run build
//   node bench/js/console.mjs [--people 10000] [--visits 10] [--pages 20] [--out FILE]
//
// Everything is once more with a processor that is made four times slower by the browser. Long tasks are those that hold the
// page's thread for more than 50 ms, as the browser reports them. Chromium is Debian's, as in the tests.
/* global document, PerformanceObserver, requestAnimationFrame */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import process from 'node:process';
import { chromium } from 'playwright-core';
import { commandWords, describeMachine, quantile } from './machine.mjs';
import { mapInLanes, withService } from './people-service.mjs';

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '10000' },
    visits: { type: 'string', default: '10' },
    pages: { type: 'string', default: '20' },
    out: { type: 'string' },
  },
});
const [people, visits, pages] = [values.people, values.visits, values.pages].map(Number);
const CHROMIUM = '/usr/bin/chromium';
const PAGE_SIZE = 50;
const SLOWER = [1, 4];
/** Beginnings of the names that are made below. */
const SOUGHT = ['Per', 'Person 1', 'Person 12'];

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').Browser} Browser */
/** @typedef {import('../reliability/service.mjs').Service} Service */
/** Milliseconds. @typedef {{ painted: number[], usable: number[], listed: number[], paged: number[], searched: number[], longTasks: number[] }} Times */

const machine = describeMachine();
const rows = await withService({}, async (service) => {
  await mapInLanes(
    Array.from({ length: people }, (_, i) => i),
    (i) => service.postJson('/v1/speakers', { id: `person-${i}`, name: `Person ${i}` }),
  );
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-background-networking'],
  });
  try {
    const all = [];
    for (const slower of SLOWER) all.push(rowOf(slower, await visit(service, browser, slower)));
    return all;
  } finally {
    await browser.close();
  }
});
const report = `# The console in a browser

\`node bench/js/console.mjs ${commandWords()}\`

${machine}
- a service with ${people.toLocaleString('en-GB')} people, and Chromium beside it; ${visits} visits with an empty cache, the last of which goes through ${pages} pages of the list of people

Milliseconds, median and worst. "Usable": from the beginning of the visit, by a one-time link, until the page is signed in, drawn and waiting.
"Listed": from the click on People until ${PAGE_SIZE} are drawn; "next page" and "searched" are the same for theirs. Each page is scrolled to its end by the wheel.

| processor | first paint | usable | listed | next page | searched | tasks over 50 ms in the list: how many, longest |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
${rows.join('\n')}
`;
process.stdout.write(report);
if (values.out !== undefined) writeFileSync(values.out, report);

/**
 * @param {Service} service
 * @param {Browser} browser
 * @param {number} slower how many times slower the processor is made
 * @returns {Promise<Times>}
 */
async function visit(service, browser, slower) {
  /** @type {Times} */
  const times = { painted: [], usable: [], listed: [], paged: [], searched: [], longTasks: [] };
  for (let i = 0; i < visits; i++) {
    const { path } = await service.call('/v1/sign-in/links', { method: 'POST' });
    const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: slower });
    await page.goto(service.url + path);
    await page.getByRole('navigation').waitFor();
    times.usable.push(await whenIdle(page));
    times.painted.push(await firstPaint(page));
    await watchLongTasks(page);
    times.listed.push(
      await timed(page, async () => {
        await page.getByRole('link', { name: 'People', exact: true }).click();
        await drawn(page, 'Person ', Math.min(PAGE_SIZE, people));
      }),
    );
    if (i === visits - 1) await browse(page, times);
    times.longTasks.push(...(await longTasks(page)));
    await context.close();
  }
  return times;
}

/** Goes through pages of the list, each to its end, and searches. @param {Page} page @param {Times} times */
async function browse(page, times) {
  const next = page.getByRole('button', { name: 'Next', exact: true });
  for (let i = 1; i < pages && (await next.isEnabled()); i++) {
    await page.mouse.move(640, 450);
    for (let turn = 0; turn < 10; turn++) await page.mouse.wheel(0, 400);
    const shown = page.getByText(`Page ${i + 1}`, { exact: true });
    times.paged.push(
      await timed(page, async () => {
        await next.click();
        await shown.waitFor();
      }),
    );
  }
  for (const sought of SOUGHT) {
    times.searched.push(
      await timed(page, async () => {
        await page.getByRole('searchbox').fill(sought);
        await drawn(page, sought, 1);
      }),
    );
  }
}

/** Waits until so many rows are those of people whose name begins so, and there are no others. @param {Page} page @param {string} begins @param {number} least */
async function drawn(page, begins, least) {
  await page.waitForFunction(
    ({ begins, least }) => {
      const names = [...document.querySelectorAll('tbody tr')].map((row) => row.textContent ?? '');
      return names.length >= least && names.every((name) => name.startsWith(begins));
    },
    { begins, least },
  );
}

/** @param {Page} page @param {() => Promise<void>} work @returns {Promise<number>} milliseconds until it is done and the page waits */
async function timed(page, work) {
  const began = await page.evaluate(() => performance.now());
  await work();
  return (await whenIdle(page)) - began;
}

/** When what is drawn now is drawn, and the page's thread is free. @param {Page} page @returns {Promise<number>} */
function whenIdle(page) {
  return page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve(performance.now())))),
  );
}

/** @param {Page} page @returns {Promise<number>} */
function firstPaint(page) {
  return page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN);
}

/** @param {Page} page */
function watchLongTasks(page) {
  return page.evaluate(() => {
    /** @type {number[]} */
    const seen = [];
    Object.assign(globalThis, { seen });
    new PerformanceObserver((list) => seen.push(...list.getEntries().map(({ duration }) => duration))).observe({
      type: 'longtask',
    });
  });
}

/** @param {Page} page @returns {Promise<number[]>} */
function longTasks(page) {
  return page.evaluate(() => /** @type {{ seen: number[] }} */ (/** @type {unknown} */ (globalThis)).seen);
}

/** @param {number} slower @param {Times} times */
function rowOf(slower, { painted, usable, listed, paged, searched, longTasks: long }) {
  const cell = (/** @type {number[]} */ of) => `${quantile(of, 0.5).toFixed(0)}, ${Math.max(...of).toFixed(0)}`;
  const cells = [painted, usable, listed, paged, searched].map(cell);
  const longest = long.length > 0 ? `, ${Math.max(...long).toFixed(0)}` : '';
  const processor = slower === 1 ? 'as it is' : `${slower} times slower`;
  return `| ${processor} | ${cells.join(' | ')} | ${long.length}${longest} |`;
}

import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect } from '@jest/globals';
import type { TestService } from '../e2e/support.js';

/** Debian's; `npm test` installs it. */
const CHROMIUM = '/usr/bin/chromium';

const require = createRequire(import.meta.url);

export async function startBrowser(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is not there: apt-get install chromium`);
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-background-networking', '--autoplay-policy=no-user-gesture-required'],
  });
}

/** What a page has said that it should not have: errors, and files that the policy for its content refused. */
export interface OpenedPage {
  page: Page;
  problems: string[];
}

/** The console of a service, signed in with a key; `at` is a page of it, `/conversations`. */
export async function openPage(
  browser: Browser,
  service: TestService,
  at: string,
  { key = service.key, ...options }: BrowserContextOptions & { key?: string } = {},
): Promise<OpenedPage> {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  await page.goto(`${service.url}/#${at}`);
  await page.getByRole('textbox', { name: 'API key' }).fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('main#main').waitFor();
  return { page, problems };
}

interface AxeResult {
  id: string;
  impact: string | null;
  nodes: { html: string; failureSummary?: string }[];
}

/** axe-core finds nothing serious in the page as it is now. */
export async function expectAccessible(page: Page): Promise<void> {
  // In the page's own world scripts come from files of the service alone; this one is evaluated from outside.
  const { source } = require('axe-core') as { source: string };
  await page.evaluate(source);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run: () => Promise<{ violations: AxeResult[] }> } };
    return (await axe.run()).violations;
  });
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(
    serious.map(({ id, nodes }) => ({
      id,
      nodes: nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`),
    })),
  ).toEqual([]);
}

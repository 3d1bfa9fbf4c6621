import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { ConfigInput } from '../../src/service/config/config.js';
import { TestService, Workshop } from '../e2e/support.js';

/** Debian's; `npm test` installs it. */
const CHROMIUM = '/usr/bin/chromium';

const require = createRequire(import.meta.url);

/** The console of a service in a browser, for the tests of one file; each has a page of its own. */
export class BrowsedConsole {
  service!: TestService;
  /** What the page has said that it should not have: errors, and files that the policy for its content refused. */
  readonly problems: string[] = [];
  private workshop!: Workshop;
  private browser!: Browser;
  private page: Page | undefined;

  private constructor(private readonly settings: ConfigInput) {}

  /** Starts before the tests of this file and ends after them; no test may leave a problem of the page behind. */
  static forTests(settings: ConfigInput = {}): BrowsedConsole {
    const browsed = new BrowsedConsole(settings);
    beforeAll(() => browsed.start(), 300_000);
    afterEach(async () => {
      await browsed.leave();
      expect(browsed.problems.splice(0)).toEqual([]);
    });
    afterAll(() => browsed.end(), 120_000);
    return browsed;
  }

  /** A page of the console, `/conversations`, signed in with a key. */
  async open(at: string, options: BrowserContextOptions & { key?: string } = {}): Promise<Page> {
    const { key = this.service.key, ...others } = options;
    await this.leave();
    const look = { locale: 'en-GB', viewport: { width: 1280, height: 900 }, ...others };
    const context = await this.browser.newContext(look);
    const page = (this.page = await context.newPage());
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.problems.push(message.text());
    });
    await page.goto(`${this.service.url}/#${at}`);
    await page.getByRole('textbox', { name: 'API key' }).fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('main#main').waitFor();
    return page;
  }

  /** An API key with these scopes, bound to these groups. */
  async keyOf(scopes: string[], groups?: string[]): Promise<string> {
    const { status, body } = await this.service.postJson('/v1/keys', { name: scopes.join(' '), scopes, groups });
    expect(status).toBe(201);
    return (body as { key: string }).key;
  }

  private async start(): Promise<void> {
    if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is not there: apt-get install chromium`);
    this.workshop = await Workshop.open();
    const model = await this.workshop.bundle();
    const settings = { model, sidecarPort: 'off', logLevel: 'error', ...this.settings } as const;
    this.service = await TestService.start(this.workshop, settings);
    await this.service.service.ready();
    this.browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-background-networking', '--autoplay-policy=no-user-gesture-required'],
    });
  }

  private async leave(): Promise<void> {
    await this.page?.context().close();
    this.page = undefined;
  }

  private async end(): Promise<void> {
    await this.browser.close();
    await this.service.close();
    await this.workshop.remove();
  }
}

/** So many charts are drawn; each is drawn once the browser has told how wide its place is. */
export async function expectCharts(page: Page, count: number): Promise<void> {
  const charts = page.locator('.uplot canvas');
  await charts.nth(count - 1).waitFor();
  expect(await charts.count()).toBe(count);
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

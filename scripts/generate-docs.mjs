// Writes the pages that come from the service's own tables: docs/configuration.md and docs/openapi.json.
// `--check` writes nothing and fails when a page is out of date. Reads dist: `npm run build` first.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

const root = new URL('../', import.meta.url);
const check = process.argv.includes('--check');

/** @param {string} name of a module below dist */
const load = (name) => import(new URL(`dist/${name}`, root).href);

const { configurationPage } = await load('service/config/page.js');
const { openApiPage } = await load('service/app/openapi-page.js');

const folder = await mkdtemp(join(tmpdir(), 'timbre-docs-'));
/** @type {Record<string, string>} */
const pages = {};
try {
  pages['docs/configuration.md'] = configurationPage();
  pages['docs/openapi.json'] = await openApiPage(folder);
} finally {
  await rm(folder, { recursive: true, force: true });
}

const stale = [];
for (const [name, text] of Object.entries(pages)) {
  const current = await readFile(new URL(name, root), 'utf8').catch(() => '');
  if (current === text) continue;
  stale.push(name);
  if (!check) await writeFile(new URL(name, root), text);
}

if (stale.length > 0 && check) {
  console.error(`out of date: ${stale.join(', ')}\nrun: npm run build && node scripts/generate-docs.mjs`);
  process.exitCode = 1;
} else {
  console.error(stale.length > 0 ? `wrote ${stale.join(', ')}` : 'the pages of the service are up to date');
}

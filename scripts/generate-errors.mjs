// Writes the C++, TypeScript and documentation forms of the one error table, scripts/errors.json.
// `--check` writes nothing and fails when a generated file is out of date.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);

/** `core`: the native core answers with it too. @type {{ code: string, http: number, exit: number, core?: true, means: string }[]} */
const table = JSON.parse(readFileSync(new URL('scripts/errors.json', root), 'utf8'));
const origin = 'Generated from scripts/errors.json by scripts/generate-errors.mjs';

for (const key of /** @type {const} */ (['code', 'exit'])) {
  const twice = table.map((row) => row[key]).find((value, at, all) => all.indexOf(value) !== at);
  if (twice !== undefined) throw new Error(`scripts/errors.json uses the ${key} ${twice} twice`);
}

const generated = {
  'native/core/support/error_codes.inc':
    `// ${origin}.\n` +
    table
      .filter(({ core }) => core)
      .map(({ code }) => `TIMBRE_ERROR_CODE(${code})\n`)
      .join(''),
  'src/errors/error-codes.ts':
    `// ${origin}.\n\n` +
    '/** Every error code with its HTTP status, exit status and meaning. */\n' +
    'export const ERROR_CODES = {\n' +
    table
      .map(
        (row) =>
          `  ${row.code}: { http: ${row.http}, exit: ${row.exit}, means: '${row.means.replaceAll("'", "\\'")}' },\n`,
      )
      .join('') +
    '} as const;\n\nexport type ErrorCode = keyof typeof ERROR_CODES;\n',
  'docs/errors.md':
    `<!-- ${origin}. -->\n\n# Errors\n\n` +
    'Every error is a `TimbreError` with one of these codes; the message says what was wrong and what to do.\n' +
    "The HTTP status is the service's, the exit status the command line's.\n\n" +
    '| code | HTTP | exit | means |\n| --- | --- | --- | --- |\n' +
    table.map((row) => `| \`${row.code}\` | ${row.http} | ${row.exit} | ${row.means} |\n`).join(''),
};

const stale = [];
for (const [name, text] of Object.entries(generated)) {
  const path = fileURLToPath(new URL(name, root));
  let current = '';
  try {
    current = readFileSync(path, 'utf8');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
  }
  if (current === text) continue;
  stale.push(name);
  if (!process.argv.includes('--check')) writeFileSync(path, text);
}

if (stale.length > 0 && process.argv.includes('--check')) {
  console.error(`out of date: ${stale.join(', ')}\nrun: node scripts/generate-errors.mjs`);
  process.exitCode = 1;
} else {
  console.error(stale.length > 0 ? `wrote ${stale.join(', ')}` : 'error tables are up to date');
}

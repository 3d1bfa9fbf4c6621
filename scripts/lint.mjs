#!/usr/bin/env node
// Every check of the sources that runs nothing of them: lint, format, types, generated files, the rules of the house.
import { enter, ROOT } from './setup/entry.mjs';

const HELP = `Usage: npm run lint [-- options]
       npm run format            the same with --fix

Checks TypeScript, JavaScript, C++ and Python, a line each. The last line sums up: "N passed, N failed".

Options:
  --fix          format and mend what can be mended by itself, then check
  --only CHECK   one check only, by its name (may be given again)
  --help         this text

Example:
  npm run lint -- --only eslint --only prettier
`;

await enter({
  what: 'lint',
  help: HELP,
  options: { fix: { type: 'boolean' }, only: { type: 'string', multiple: true } },
  async main({ fix = false, only = [] }) {
    const { choose, runChecks } = await import('./lint/checks.mjs');
    const checks = choose(ROOT, only);
    const { setup } = await import('./setup/main.mjs');
    await setup(ROOT, { tests: true, lint: true });
    const { passed, failed } = await runChecks(ROOT, checks, { fix });
    process.stdout.write(`${passed} passed, ${failed} failed\n`);
    return failed > 0 ? 1 : 0;
  },
});

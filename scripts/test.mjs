#!/usr/bin/env node
// Every test there is: native ones on LibTorch, native ones under the sanitizers, jest, Python's, and a few on every
// version of Node.js that is supported.
import { enter, ROOT } from './setup/entry.mjs';

const HELP = `Usage: npm test [-- options]

Sets the project up, builds what the tests need and runs them. The last line sums up: "N passed, N failed".

Options:
  --fast          without the build under AddressSanitizer and UBSan, and on the Node.js at hand alone
  --only SUITE    one suite only: native, sanitizers, jest, postgres, postgres18, python or node-versions (may be given again)
  --verbose       show what the builds print
  --help          this text

TIMBRE_WERROR=1   makes warnings of the compiler errors.

Example:
  npm test -- --only jest
`;

const flag = /** @type {const} */ ({ type: 'boolean' });

await enter({
  what: 'test run',
  help: HELP,
  options: { fast: flag, verbose: flag, only: { type: 'string', multiple: true } },
  async main(values) {
    const { choose, runSuites, sum } = await import('./test/suites.mjs');
    const suites = choose(values);
    const { setup } = await import('./setup/main.mjs');
    await setup(ROOT, { tests: true, verbose: values.verbose });
    const counts = await runSuites(ROOT, suites, { verbose: values.verbose });
    process.stdout.write(`${sum(counts)}\n`);
    return counts.failed > 0 ? 1 : 0;
  },
});

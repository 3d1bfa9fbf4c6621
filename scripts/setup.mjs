#!/usr/bin/env node
// Makes a fresh clone ready to run. Needs nothing but Node.js, changes only what is not as it should be.
import { enter, ROOT } from './setup/entry.mjs';

const HELP = `Usage: npm run setup [-- options]

Makes this clone ready to run: system packages, PyTorch in .venv, npm packages, the native addon, TypeScript and sample
recordings. Run again it does only what is missing or out of date.

Options:
  --check      change nothing; report what is there and what is missing (exit status 1 if anything is)
  --tests      also what the native and Python tests need
  --lint       also what the lint and format checks need
  --bench      also what the native benchmarks need
  --fuzz       also what the fuzzers need
  --verbose    show what the programs print (it is kept in .cache/setup/*.log anyway)
  --help       this text

Variables:
  TIMBRE_TORCH         cpu (default), cuda (PyTorch with everything it needs on a GPU), or none
  TIMBRE_TORCH_INDEX   package index to take PyTorch from (and nothing else), for example its index of CPU wheels
  TIMBRE_TORCH_SHA256  digest of a PyTorch wheel that models/requirements.txt does not name
  LIBTORCH, Torch_DIR  a LibTorch to build against instead of PyTorch's wheel
  TIMBRE_PYTHON        the Python that makes the virtual environment (default: python3)
  TIMBRE_JOBS          files compiled at once (default: by processors and free memory)
  TIMBRE_WERROR        1: warnings of the compiler are errors
  PIP_INDEX_URL, PIP_FIND_LINKS, HTTPS_PROXY and npm's settings are heeded.

Example:
  npm run setup -- --check
`;

const flag = /** @type {const} */ ({ type: 'boolean' });

await enter({
  what: 'set-up',
  help: HELP,
  options: { check: flag, tests: flag, lint: flag, bench: flag, fuzz: flag, verbose: flag },
  async main(values) {
    const { setup } = await import('./setup/main.mjs');
    return (await setup(ROOT, values)) ? 0 : 1;
  },
});

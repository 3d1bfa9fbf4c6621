#!/usr/bin/env node
// Sets the project up and does its main job: the service, or the demonstration while there is none.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { enter, ROOT } from './setup/entry.mjs';

const HELP = `Usage: npm start [-- options]

Sets the project up and starts the service. Its settings are environment variables (docs/configuration.md).

Options:
  --demo     no service: embed sample recordings, and say how they compare and what the model is worth
  --help     this text

Example:
  PORT=8080 npm start
`;

await enter({
  what: 'start',
  help: HELP,
  options: { demo: { type: 'boolean' } },
  async main({ demo = false }) {
    const { setup } = await import('./setup/main.mjs');
    await setup(ROOT);
    const service = path.join(ROOT, 'dist', 'cli', 'serve.js');
    if (demo || !existsSync(service)) {
      const { demonstrate } = await import('./demo/demonstrate.mjs');
      await demonstrate(ROOT, undefined);
      return 0;
    }
    const { runForeground } = await import('./setup/commands.mjs');
    return runForeground(
      process.execPath,
      [path.join(ROOT, 'dist', 'cli', 'main.js'), 'serve', '--sign-in-link'],
      ROOT,
    );
  },
});

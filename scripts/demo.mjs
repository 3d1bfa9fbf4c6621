#!/usr/bin/env node
// Timbre's main job on recordings that everybody has: embeds samples of synthetic voices with the best model at hand,
// and says how they compare and what the model is worth.
import { enter, ROOT } from './setup/entry.mjs';

const HELP = `Usage: node scripts/demo.mjs [--model ID or FILE]

Sets the project up, embeds sample recordings of synthetic voices, and prints how alike they are.

Options:
  --model MODEL   a bundle's file or id (default: models/starter.pt, else the best in the model cache)
  --help          this text

Example:
  node scripts/demo.mjs --model models/starter.pt
`;

await enter({
  what: 'demo',
  help: HELP,
  options: { model: { type: 'string' } },
  async main({ model }) {
    const { setup } = await import('./setup/main.mjs');
    await setup(ROOT);
    const { demonstrate } = await import('./demo/demonstrate.mjs');
    await demonstrate(ROOT, model);
  },
});

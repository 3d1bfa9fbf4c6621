// Downloads one file in a process of its own: node fetch.mjs '{ "file": {...}, "path": "...", "unchecked": true }'.
// Prints what happened as JSON lines.
import { download } from '../../dist/models/download.js';

const { file, path, unchecked } = JSON.parse(process.argv[2]);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
try {
  await download(file, path, {
    onNote: (note) => say({ note }),
    lock: { pollMs: 20 },
    ...(unchecked && { free: async () => Infinity }),
  });
  say({ done: true });
} catch (error) {
  say({ code: error.code, message: error.message });
}

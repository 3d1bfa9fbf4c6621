// Part of `npm run build`: the page (src/console) into dist/console, each file compressed beside itself. What it was made
// of is kept as a digest: nothing is done again where nothing changed.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { build } from 'vite';
import { digest, filesBelow, readStamp, writeStamp } from './setup/stamps.mjs';

const root = path.join(import.meta.dirname, '..');
const out = path.join(root, 'dist', 'console');
const stamp = path.join(out, '.timbre-build');

// The rooms that the page imports from, whole: it is a second's work to build it once more.
const sources = ['console', 'client', 'conversations', 'errors', 'scoring', 'evaluation', 'support'].flatMap((room) =>
  filesBelow(path.join(root, 'src', room), (name) => !name.endsWith('.spec.ts')),
);
const settings = ['package-lock.json', 'scripts/build-console.mjs'].map((name) => path.join(root, name));
const state = digest(root, [...sources, ...settings]);

if (readStamp(stamp) !== state) {
  await build({ configFile: path.join(root, 'src', 'console', 'vite.config.ts'), logLevel: 'warn' });
  const brotli = promisify(brotliCompress);
  const deflate = promisify(gzip);
  for (const file of filesBelow(out, (name) => /[.](html|js|css|svg|json)$/.test(name))) {
    const content = readFileSync(file);
    writeFileSync(
      `${file}.br`,
      await brotli(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }),
    );
    writeFileSync(`${file}.gz`, await deflate(content, { level: 9 }));
  }
  mkdirSync(out, { recursive: true });
  writeStamp(stamp, state);
}

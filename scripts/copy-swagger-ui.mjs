// Part of `npm run build`: the files of swagger-ui-dist that the page at /docs needs, into dist/swagger-ui. So the
// published package carries them, and installing it brings neither swagger-ui-dist nor the telemetry that package installs.
import { copyFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const from = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const to = path.join(import.meta.dirname, '..', 'dist', 'swagger-ui');
mkdirSync(to, { recursive: true });
for (const name of [
  'swagger-ui.css',
  'swagger-ui-bundle.js',
  'swagger-ui-bundle.js.LICENSE.txt',
  'favicon-32x32.png',
  'LICENSE',
  'NOTICE',
]) {
  copyFileSync(path.join(from, name), path.join(to, name));
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder: of `src/support/` as of `dist/support/`. */
export const PACKAGE_FOLDER = fileURLToPath(new URL('../../', import.meta.url));

let version: string | undefined;

export function packageVersion(): string {
  version ??= (JSON.parse(readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8')) as { version: string }).version;
  return version;
}

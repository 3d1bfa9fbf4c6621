import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder: of `src/support/` as of `dist/support/`. */
export const PACKAGE_FOLDER = fileURLToPath(new URL('../../', import.meta.url));

interface PackageFile {
  version: string;
  peerDependencies: Record<string, string>;
}

let file: PackageFile | undefined;

function packageFile(): PackageFile {
  return (file ??= JSON.parse(readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8')) as PackageFile);
}

export function packageVersion(): string {
  return packageFile().version;
}

/** The package that PostgreSQL is reached with; nobody else needs it. */
export const POSTGRES_PACKAGE = 'pg';

/** What the service alone needs and an application brings itself: ranges of versions by name. */
export function servicePackages(): Record<string, string> {
  const { [POSTGRES_PACKAGE]: _, ...always } = packageFile().peerDependencies;
  return always;
}

/** As npm takes it. */
export function postgresPackage(): string {
  return `${POSTGRES_PACKAGE}@${packageFile().peerDependencies[POSTGRES_PACKAGE]}`;
}

import { createRequire } from 'node:module';
import { servicePackages } from '../support/package.js';

/** Packages of the service that are not installed beside this one, as npm takes them: `name@range`. */
export function missingServicePackages(): string[] {
  return Object.entries(servicePackages()).flatMap(([name, range]) => (isInstalled(name) ? [] : [`${name}@${range}`]));
}

/**
 * The command that installs packages. None of their install scripts runs: the one that has C++ (sqlite3) would download
 * a binary that nothing vouches for, and is compiled from its own sources by `timbre setup`.
 */
export function toInstall(packages: readonly string[]): string {
  const names = packages.map((name) => `'${name}'`).join(' ');
  const compiled = packages.some((name) => name.startsWith('sqlite3@')) ? ' && npx timbre setup' : '';
  return `npm install --ignore-scripts ${names}${compiled}`;
}

const { resolve } = createRequire(import.meta.url);

function isInstalled(name: string): boolean {
  try {
    resolve(name);
    return true;
  } catch (error) {
    // A package that is there and shows itself to `import` alone has another code.
    return (error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND';
  }
}

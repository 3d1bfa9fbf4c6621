import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where a data folder keeps the bundle of a name, `<id>@<digits of its identity>`. */
export function keptBundleFile(dataDir: string, name: string): string {
  return join(keptBundleFolder(dataDir), `${name}.pt`);
}

export function keptBundleFolder(dataDir: string): string {
  return join(dataDir, 'models');
}

/** The file that has the name of the bundle that the folder's people were made with. */
export function keptNameFile(dataDir: string): string {
  return join(keptBundleFolder(dataDir), 'current');
}

const NAME = /^[A-Za-z0-9._-]{1,128}@[0-9a-f]{12}$/;

/** The name of the bundle that a data folder's people were made with; null where none is kept. */
export async function keptModel(dataDir: string): Promise<string | null> {
  const text = await readFile(keptNameFile(dataDir), 'utf8').catch(() => '');
  return NAME.test(text.trim()) ? text.trim() : null;
}

/** Of two versions of one model, the sentence for whoever runs the service. */
export function goesOnWith(kept: string, other: string): string {
  return (
    `the people of this data folder were made with ${kept}, which it keeps and goes on with; the bundle that is ` +
    `installed is ${other}. To move to it, start with TIMBRE_KEEP_MODEL=off once: people enrol anew, and their old ` +
    'profiles stay for the old bundle'
  );
}

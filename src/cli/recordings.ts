import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { TimbreError } from '../errors/timbre-error.js';

/** File names that count as recordings inside a folder; a file that is named itself is taken whatever it is called. */
export const AUDIO_EXTENSIONS: ReadonlySet<string> = new Set(
  '.wav .wave .flac .ogg .oga .opus .mp3 .aif .aiff .aifc .au .snd .caf .w64 .rf64 .m4a .mp4 .aac .webm .weba .mka .amr .wma .3gp'.split(
    ' ',
  ),
);

/**
 * The recordings that paths mean: files as they are, folders with everything below them, by name. Links are followed,
 * a folder that contains itself once.
 */
export async function findRecordings(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const kind = await stat(path).catch(() => undefined);
    // What is not there fails as one input among others, in its place.
    if (!kind?.isDirectory()) found.push(path);
    else await collect(path, new Set(), found);
  }
  return found;
}

async function collect(folder: string, above: ReadonlySet<string>, found: string[]): Promise<void> {
  const { dev, ino } = await stat(folder);
  const identity = `${dev}:${ino}`;
  if (above.has(identity)) return;
  const path = new Set([...above, identity]);
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new TimbreError('AUDIO_NOT_FOUND', `cannot read the folder ${folder}: ${(error as Error).message}`, {
      cause: error,
    });
  });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const at = join(folder, entry.name);
    const kind = entry.isSymbolicLink() ? await stat(at).catch(() => undefined) : entry;
    if (kind?.isDirectory()) await collect(at, path, found);
    else if (kind?.isFile() && AUDIO_EXTENSIONS.has(extname(entry.name).toLowerCase())) found.push(at);
  }
}

import { close } from 'node:fs';
import { promisify } from 'node:util';
import { isErrorCode, TimbreError } from '../errors/timbre-error.js';
import { addon } from './binding.js';

const closeDescriptor = promisify(close);

/** Which files of this machine somebody else may name; absolute paths. */
export interface OpenFolders {
  roots: readonly string[];
  /** Folders and files of which nothing is opened, whichever way they lie to a root. */
  closed: readonly string[];
}

/** A regular file that is open for reading: what it is called now does not matter. Closed once by its owner. */
export interface OpenFile {
  readonly descriptor: number;
  close(): Promise<void>;
}

/**
 * Opens a regular file by its absolute path beneath a root, where no link is followed.
 * Errors: AUDIO_NOT_FOUND with one text for everything that is refused, and the reason as its cause; OVERLOADED where
 * no descriptor is left; ADDON_UNAVAILABLE.
 */
export async function openBeneath(path: string, { roots, closed }: OpenFolders): Promise<OpenFile> {
  const answer = await addon().openBeneath(path, [...roots], [...closed]);
  if (!('descriptor' in answer)) {
    const { code, message, why } = answer;
    throw new TimbreError(isErrorCode(code) ? code : 'INTERNAL', message, { cause: new Error(why) });
  }
  const { descriptor } = answer;
  return { descriptor, close: () => closeDescriptor(descriptor) };
}

import { join } from 'node:path';
import { TimbreError } from '../errors/timbre-error.js';
import { digestFile } from '../support/files.js';
import { PACKAGE_FOLDER } from '../support/package.js';
import { invalid, show, text } from './arguments.js';

/** Whose code a bundle may bring, as the addon takes it. */
export interface NativeCodeTrust {
  /** Folder of the networks whose code every bundle of this version has. */
  skeletons: string;
  allowCode: boolean;
}

const SKELETONS = join(PACKAGE_FOLDER, 'models', 'skeletons');

/**
 * Code that is not the package's is run for the one file whose sha256 is `allowCode`.
 *
 * Errors: INVALID_ARGUMENT; MODEL_UNTRUSTED where the file is another; MODEL_NOT_FOUND.
 */
export async function codeTrust(path: string, allowCode: unknown): Promise<NativeCodeTrust> {
  const wanted = text('allowCode', allowCode, undefined)?.toLowerCase();
  if (wanted === undefined) return { skeletons: SKELETONS, allowCode: false };
  if (!/^[0-9a-f]{64}$/.test(wanted)) {
    throw invalid(`allowCode is the sha256 of a file, 64 hexadecimal digits, not ${show(allowCode)}`);
  }
  const { sha256 } = await digestFile(path).catch((cause: unknown) => {
    throw new TimbreError('MODEL_NOT_FOUND', `cannot read the model ${path}: ${(cause as Error).message}`, { cause });
  });
  if (sha256 !== wanted) {
    throw new TimbreError(
      'MODEL_UNTRUSTED',
      `code is allowed for the file with sha256 ${wanted}, and that of ${path} is ${sha256}: ask who made it`,
    );
  }
  return { skeletons: SKELETONS, allowCode: true };
}

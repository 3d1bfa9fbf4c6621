import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { Option, type Command } from 'commander';
import type { SpeakerEncoder } from '../addon/index.js';
import type { Channel, ConversationKind, ConversationOptions, ConversationResult } from '../addon/types.js';
import { shownNames } from '../conversations/named.js';
import { speakersOfWords, type SpokenSegment } from '../conversations/spoken-words.js';
import { readTranscript, type TranscriptSegment } from '../conversations/transcript.js';
import { clock, writeWebVtt } from '../conversations/webvtt.js';
import { TimbreError } from '../errors/timbre-error.js';
import { writeRttm } from '../evaluation/rttm.js';
import { findBundle, modelFolders } from '../models/cache.js';
import { readCalibrationFile } from '../scoring/model-calibration.js';
import { Scorer } from '../scoring/scorer.js';
import { voiceCalibrationFor } from '../scoring/voice-calibration.js';
import { nameVoices, type EnrolledVoice, type VoiceName, type VoiceNames } from '../scoring/voice-names.js';
import { printable } from '../support/excerpt.js';
import { enrolCandidates, findCandidates, type Candidate } from './candidates.js';
import { table, type Cli } from './cli.js';
import { withEncoder, type EncoderOptions } from './encoder.js';
import {
  allowCodeOption,
  channelOption,
  deviceOption,
  precisionOption,
  modelOption,
  number,
  rateOption,
  trackOption,
  whole,
  workersOption,
  type PartOptions,
  type RateOptions,
} from './options.js';
import { count, duration } from './progress.js';
import { findRecordings, inputOf, type Given } from './recordings.js';

interface Options extends EncoderOptions, Omit<PartOptions, 'channel'>, RateOptions {
  segmentation: string;
  speakers?: number;
  min?: number;
  max?: number;
  kind: ConversationKind;
  candidates?: string[];
  threshold?: number;
  calibration?: string;
  transcript?: string;
  rttm?: true;
  vtt?: true;
  json?: true;
  out?: string;
  maxSeconds?: number;
  channel?: Channel;
}

const MOST_SPEAKERS = 64;
/** False accepts per voice: of strangers' voices fewer are named, as they have to lead too (bench/results/names.md). */
const NAME_RATE = 0.1;
const MOST_TRANSCRIPT_BYTES = 256 * 2 ** 20;

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
    .addOption(
      new Option(
        '--candidates <path>',
        'recordings of one person, or a folder with one of each person, whose names voices may get; again for more',
      ).argParser((path: string, before: string[] | undefined) => [...(before ?? []), path]),
    )
    .addOption(rateOption(String(NAME_RATE)).conflicts('threshold'))
    .addOption(new Option('--threshold <cosine>', 'the cosine from which on it is somebody').argParser(number(-1, 1)))
    .addOption(new Option('--calibration <file>', 'what `timbre calibrate` wrote').env('TIMBRE_CALIBRATION'))
    .option(
      '--transcript <file>',
      "the recording's transcript with times, which gets speakers: JSON of Whisper, WebVTT, SRT, or [{ start, end, text }]",
    )
    .addOption(new Option('--rttm', 'lines of a NIST RTTM').conflicts(['vtt', 'json', 'transcript']))
    .addOption(
      new Option('--vtt', 'WebVTT, a cue for every turn; of several recordings only with --out').conflicts('json'),
    )
    .addOption(new Option('--json', 'one JSON document: [{ path, seconds, speakers, turns, ... }]'))
    .option('--out <folder>', "a file for every recording, in place of standard output: its name and the format's")
    .addOption(channelOption(true))
    .addOption(trackOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
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
not stop the others; the exit status is then that of the first such error. With --channel each, counts are of each
channel, and each channel of a call is one person's.

In a folder of --candidates each folder is a person, with the recordings in it; a recording is of the person that it is
named after, without the number at its end (ada-1.wav, ada-2.wav). A voice that has no name says why.

With --transcript every word goes to whoever speaks most of it; --vtt then gives its captions with voice tags.

Examples:
  timbre conversation meeting.opus
  timbre conversation call.wav --kind call --model campplus-zh-en --vtt > call.vtt
  timbre conversation meeting.opus --model campplus-zh-en --candidates people/
  timbre conversation meeting.opus --transcript whisper.json --vtt > meeting.vtt
  timbre conversation recordings/ --rttm --out turns`,
    )
    .action(async (paths: string[], options: Options) => {
      if (!options.candidates && (options.threshold ?? options.falseAcceptRate) !== undefined) {
        throw new TimbreError('INVALID_ARGUMENT', '--threshold and --false-accept-rate go with --candidates');
      }
      const inputs = await findRecordings(cli, paths);
      if (options.vtt && options.out === undefined && inputs.length > 1) {
        throw new TimbreError(
          'INVALID_ARGUMENT',
          `WebVTT is of one recording, and there are ${inputs.length}: name a folder for the files with --out`,
        );
      }
      if (options.transcript !== undefined && inputs.length > 1) {
        throw new TimbreError('INVALID_ARGUMENT', `a transcript is of one recording, and there are ${inputs.length}`);
      }
      const transcript = options.transcript === undefined ? undefined : await transcriptOf(options.transcript);
      const candidates = options.candidates && (await findCandidates(cli, options.candidates));
      const files = options.out === undefined ? undefined : await filesFor(options.out, inputs, formatOf(options));
      const segmentation = await findBundle(options.segmentation, modelFolders(cli.env));
      await withEncoder(cli, options, { segmentation }, async (encoder) => {
        const naming = candidates && (await prepareNaming(cli, encoder, candidates, options));
        await converseAll(cli, encoder, inputs, options, { files, naming, transcript });
      });
    });
}

/** Errors: INVALID_ARGUMENT. */
async function transcriptOf(file: string): Promise<TranscriptSegment[]> {
  const cannot = (why: string, cause?: unknown): TimbreError =>
    new TimbreError('INVALID_ARGUMENT', `cannot read the transcript ${file}: ${why}`, { cause });
  let bytes: Buffer;
  try {
    const { size } = await stat(file);
    if (size > MOST_TRANSCRIPT_BYTES) throw cannot(`it has ${size} bytes, and ${MOST_TRANSCRIPT_BYTES} are read`);
    bytes = await readFile(file);
  } catch (cause) {
    if (cause instanceof TimbreError) throw cause;
    throw cannot((cause as Error).message, cause);
  }
  return readTranscript(bytes, file);
}

/** What is made of turns. */
interface Extras {
  /** For each recording; none: everything goes to standard output. */
  files: readonly string[] | undefined;
  naming: Naming | undefined;
  transcript: readonly TranscriptSegment[] | undefined;
}

/** Names the voices of a conversation. */
type Naming = (speakers: ConversationResult['speakers']) => VoiceNames;

async function prepareNaming(
  cli: Cli,
  encoder: SpeakerEncoder,
  candidates: readonly Candidate[],
  { falseAcceptRate = NAME_RATE, threshold, calibration }: Options,
): Promise<Naming> {
  const info = encoder.info();
  const scorer = Scorer.of(info.manifest, {
    calibration: calibration === undefined ? voiceCalibrationFor(info) : await readCalibrationFile(calibration, info),
    ...(threshold !== undefined && { threshold }),
    falseAcceptRate,
  });
  // Before any recording is worked on.
  scorer.nameLimits(candidates.length);
  const people: EnrolledVoice[] = await enrolCandidates(cli, encoder, candidates);
  return (speakers) => nameVoices(speakers, people, scorer);
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
  { files, naming, transcript }: Extras,
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
      const found = foundIn(result, naming, transcript);
      if (files) await write(files[index]!, textOf(found, path, format));
      else if (format === 'json') documents.push(documentOf(found, path));
      else cli.write(textOf(found, path, format, inputs.length > 1));
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

/** A conversation, and what its speakers are called. */
interface Found {
  result: ConversationResult;
  /** Of the voices, where names were asked for. */
  names: VoiceNames | undefined;
  /** What is shown for each label. */
  shown: ReadonlyMap<string, string>;
  /** By labels. */
  transcript: SpokenSegment[] | undefined;
}

function foundIn(
  result: ConversationResult,
  naming: Naming | undefined,
  transcript: readonly TranscriptSegment[] | undefined,
): Found {
  const names = naming?.(result.speakers);
  const labels = result.speakers.map(({ label }) => label);
  return {
    result,
    names,
    shown: shownNames(labels, names?.names ?? []),
    transcript: transcript && speakersOfWords(transcript, result.turns, result.seconds),
  };
}

function textOf(found: Found, path: string, format: Format, named = false): string {
  const { result, shown, transcript } = found;
  const turns = result.turns.map((turn) => ({ ...turn, speaker: shown.get(turn.speaker)! }));
  switch (format) {
    case 'rttm':
      return writeRttm(nameOf(path), turns);
    case 'vtt':
      return writeWebVtt(
        transcript
          ? transcript.map((part) => ({ ...part, speaker: part.speaker === null ? null : shown.get(part.speaker)! }))
          : turns.map((turn) => ({ ...turn, text: turn.speaker })),
      );
    case 'json':
      return `${JSON.stringify(documentOf(found, path), undefined, 2)}\n`;
    case 'text':
      return printable(`${named ? `${path}\n` : ''}${describe(found)}\n`, { breaks: true });
  }
}

/** Voices are nobody's business but the program's that made them: embeddings are left out. */
function documentOf({ result, names, transcript }: Found, path: string): object {
  const speakers = result.speakers.map(({ embedding: _, ...speaker }, index) => ({
    ...speaker,
    ...names?.names[index],
  }));
  const document = { path, ...result, speakers, ...(transcript && { transcript }) };
  if (!names) return document;
  const { names: _, ...naming } = names;
  return { ...document, naming };
}

function describe({ result: { speakers, turns }, names, shown, transcript }: Found): string {
  if (turns.length === 0) return 'nobody is heard';
  const rows = transcript
    ? transcript.map(({ start, end, speaker, text }) => [
        clock(start),
        clock(end),
        speaker === null ? '-' : shown.get(speaker)!,
        text.replace(/\s+/g, ' '),
      ])
    : turns.map(({ start, end, speaker, overlap }) => [
        clock(start),
        clock(end),
        shown.get(speaker)!,
        overlap > 0.05 ? `${overlap.toFixed(1)} s with others` : '',
      ]);
  const count = speakers.length === 1 ? 'one speaker' : `${speakers.length} speakers`;
  const sums = speakers.map(
    ({ label, speechSeconds }) => [shown.get(label)!, `${speechSeconds.toFixed(1)} s`] as const,
  );
  if (!names) return `${table(rows)}\n${count}: ${sums.map((cells) => cells.join(' ')).join(', ')}`;
  const voices = names.names.map((name, index) => [...sums[index]!, whyOf(name)]);
  return `${table(rows)}\n${count}, of ${names.gallerySize} candidates:\n${table(voices)}`;
}

/** How a voice came by its name, or why it has none. */
function whyOf(name: VoiceName): string {
  const nearest = name.nearest && `${name.nearest.speakerId} is nearest, cosine ${name.nearest.cosine.toFixed(2)}`;
  switch (name.reason) {
    case null:
      return `${name.label}, cosine ${name.nearest!.cosine.toFixed(2)}`;
    case 'NOT_ENOUGH_SPEECH':
      return `NOT_ENOUGH_SPEECH: ${name.missingSeconds.toFixed(1)} s of this voice alone are missing`;
    case 'NAMED_ALREADY':
      return `NAMED_ALREADY: ${name.nearest!.speakerId} is label ${name.sameAs}, who is nearer`;
    default:
      return `${name.reason}${nearest === null ? '' : `: ${nearest}`}`;
  }
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((cause: unknown) => {
    throw new TimbreError('WRITE_FAILED', `cannot write ${file}: ${(cause as Error).message}`, { cause });
  });
}

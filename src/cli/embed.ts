import { Option, type Command } from 'commander';
import type { SpeakerEncoder } from '../addon/index.js';
import type { AudioInput, Channel, EmbedResult, PauseHandling } from '../addon/types.js';
import { TimbreError } from '../errors/timbre-error.js';
import { modelFor } from '../scoring/model-calibration.js';
import type { Cli } from './cli.js';
import { withEncoder, type EncoderOptions } from './encoder.js';
import { NpyWriter } from './npy.js';
import {
  allowCodeOption,
  channelOption,
  deviceOption,
  precisionOption,
  modelOption,
  number,
  pausesOption,
  trackOption,
  workersOption,
} from './options.js';
import { count, duration } from './progress.js';
import { findRecordings, inputOf, type Given } from './recordings.js';

interface Options extends EncoderOptions {
  json?: true;
  jsonl?: true;
  npy?: string;
  allowSilence?: true;
  pauses?: PauseHandling;
  channel?: Channel;
  track?: number;
  maxSeconds?: number;
}

export function register(program: Command, cli: Cli): void {
  program
    .command('embed')
    .description('voice embeddings of recordings, and of all recordings in folders')
    .argument('<path...>', 'recordings, or folders that are searched for them; - is standard input')
    .addOption(modelOption())
    .addOption(new Option('--jsonl', 'one JSON object a line, in the order of the inputs (the default)'))
    .addOption(new Option('--json', 'one JSON document').conflicts(['jsonl', 'npy']))
    .addOption(
      new Option('--npy <file>', 'float32 [recordings, dimensions] for NumPy; <file>.json names the rows').conflicts([
        'jsonl',
        'json',
      ]),
    )
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(allowCodeOption())
    .addOption(workersOption())
    .addOption(pausesOption())
    .addOption(channelOption(true))
    .addOption(trackOption())
    .addOption(new Option('--allow-silence', 'embed recordings of digital silence instead of answering NO_SPEECH'))
    .addOption(new Option('--max-seconds <n>', 'longest recording, seconds (default: 300)').argParser(number(0.1, 1e6)))
    .addHelpText(
      'after',
      `
A recording that fails gives { "path", "error": { "code", "message" } } in its place and does not stop the others;
the exit status is then that of the first such error.

Examples:
  timbre embed alice.wav bob.mp3
  timbre embed recordings/ --jsonl > embeddings.jsonl
  timbre embed recordings/ --npy embeddings.npy --workers 2
  curl -s https://example.org/call.wav | timbre embed - --channel each`,
    )
    .action(async (paths: string[], options: Options) => {
      const inputs = await findRecordings(cli, paths);
      const limits = options.maxSeconds === undefined ? {} : { limits: { maxSeconds: options.maxSeconds } };
      await withEncoder(cli, options, limits, (encoder) => embedAll(cli, encoder, inputs, options));
    });
}

/** A line of the output. */
type Row = { path: string; channel?: number } & (EmbedResult | { error: { code: string; message: string } });

/** Where rows go. */
interface Sink {
  row(row: Row): Promise<void>;
  end(): Promise<void>;
  /** Instead of end() when the work was cut short. */
  discard(): Promise<void>;
}

async function embedAll(cli: Cli, encoder: SpeakerEncoder, inputs: readonly Given[], options: Options): Promise<void> {
  const { embeddingDim } = encoder.info();
  const model = modelFor(encoder.info(), options.pauses);
  const sink =
    options.npy !== undefined
      ? await npySink(options.npy, embeddingDim, model)
      : options.json
        ? jsonSink(cli)
        : jsonLineSink(cli);

  const embedOptions = {
    signal: cli.signal,
    ...(options.allowSilence && { allowSilence: true }),
    ...(options.pauses && { pauses: options.pauses }),
    ...(options.channel !== undefined && { channel: options.channel }),
    ...(options.track !== undefined && { track: options.track }),
  };
  const progress = inputs.length > 1 ? cli.progress('embedding', inputs.length, 'files') : undefined;
  const started = performance.now();
  const done = new Set<number>();
  const failed = new Set<number>();
  let seconds = 0;
  let finished = false;
  try {
    for await (const item of encoder.embedEach(inputsOf(inputs), embedOptions)) {
      if (cli.signal.aborted) throw new TimbreError('ABORTED', 'cancelled');
      const { index, channel } = item;
      const { path } = inputs[index]!;
      const of = { path, ...(channel !== undefined && { channel }) };
      if ('error' in item) {
        failed.add(index);
        const { code, message } = item.error;
        cli.fail(item.error, channel === undefined ? path : `${path}, channel ${channel}`);
        await sink.row({ ...of, error: { code, message } });
      } else {
        if (!done.has(index)) seconds += item.result.audio.seconds;
        await sink.row({ ...of, ...item.result });
      }
      done.add(index);
      progress?.update(done.size, { failed: failed.size });
    }
    progress?.stop();
    await sink.end();
    finished = true;
  } finally {
    progress?.stop();
    if (!finished) await sink.discard();
  }
  if (inputs.length > 1) {
    const elapsed = (performance.now() - started) / 1000;
    cli.note(
      `${count(done.size - failed.size)} of ${count(done.size)} recordings embedded in ${duration(elapsed)}: ` +
        `${duration(seconds)} of audio, ${Math.round(seconds / elapsed)} times as fast as it plays`,
    );
  }
}

/** Each made when its turn comes: what is read as a stream is open only then. */
function* inputsOf(inputs: readonly Given[]): Generator<AudioInput> {
  for (const given of inputs) yield inputOf(given);
}

function jsonLineSink(cli: Cli): Sink {
  const nothing = async (): Promise<void> => undefined;
  return { row: (row) => cli.jsonLine(row), end: nothing, discard: nothing };
}

/** One array, written element by element. */
function jsonSink(cli: Cli): Sink {
  let first = true;
  return {
    async row(row) {
      cli.write(first ? '[\n' : ',\n');
      first = false;
      await cli.jsonLine(row);
    },
    async end() {
      await cli.line(first ? '[]' : ']');
    },
    discard: async () => undefined,
  };
}

/** Failed recordings have no row; `<file>.json` holds `{ model, paths }`, a path for each row, and with `each` `channels`. */
async function npySink(file: string, dimensions: number, model: string): Promise<Sink> {
  const writer = await NpyWriter.create(file, dimensions);
  const paths: string[] = [];
  const channels: number[] = [];
  return {
    async row(row) {
      if (!('embedding' in row)) return;
      await writer.append(row.embedding);
      paths.push(row.path);
      if (row.channel !== undefined) channels.push(row.channel);
    },
    end: () => writer.finish({ model, paths, ...(channels.length > 0 && { channels }) }),
    discard: () => writer.discard(),
  };
}

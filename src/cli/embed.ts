import { Option, type Command } from 'commander';
import type { SpeakerEncoder } from '../addon/index.js';
import type { EmbedResult, PauseHandling } from '../addon/types.js';
import { TimbreError } from '../errors/timbre-error.js';
import { modelFor } from '../scoring/model-calibration.js';
import type { Cli } from './cli.js';
import { withEncoder, type EncoderOptions } from './encoder.js';
import { NpyWriter } from './npy.js';
import { allowCodeOption, deviceOption, modelOption, number, pausesOption, workersOption } from './options.js';
import { count, duration } from './progress.js';
import { findRecordings } from './recordings.js';

interface Options extends EncoderOptions {
  json?: true;
  jsonl?: true;
  npy?: string;
  allowSilence?: true;
  pauses?: PauseHandling;
  maxSeconds?: number;
}

export function register(program: Command, cli: Cli): void {
  program
    .command('embed')
    .description('voice embeddings of recordings, and of all recordings in folders')
    .argument('<path...>', 'recordings, or folders that are searched for them')
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
    .addOption(allowCodeOption())
    .addOption(workersOption())
    .addOption(pausesOption())
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
  timbre embed recordings/ --npy embeddings.npy --workers 2`,
    )
    .action(async (paths: string[], options: Options) => {
      const inputs = await findRecordings(paths);
      if (inputs.length === 0) {
        throw new TimbreError('INVALID_ARGUMENT', `no recordings in ${paths.join(', ')}`);
      }
      const limits = options.maxSeconds === undefined ? {} : { limits: { maxSeconds: options.maxSeconds } };
      await withEncoder(cli, options, limits, (encoder) => embedAll(cli, encoder, inputs, options));
    });
}

/** A line of the output. */
type Row = ({ path: string } & EmbedResult) | { path: string; error: { code: string; message: string } };

/** Where rows go. */
interface Sink {
  row(row: Row): Promise<void>;
  end(): Promise<void>;
  /** Instead of end() when the work was cut short. */
  discard(): Promise<void>;
}

async function embedAll(cli: Cli, encoder: SpeakerEncoder, inputs: string[], options: Options): Promise<void> {
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
  };
  const progress = inputs.length > 1 ? cli.progress('embedding', inputs.length, 'files') : undefined;
  const started = performance.now();
  let done = 0;
  let failed = 0;
  let seconds = 0;
  let finished = false;
  try {
    for await (const item of encoder.embedEach(inputs, embedOptions)) {
      if (cli.signal.aborted) throw new TimbreError('ABORTED', 'cancelled');
      const path = inputs[item.index]!;
      done++;
      if ('error' in item) {
        failed++;
        const { code, message } = item.error;
        cli.fail(item.error, path);
        await sink.row({ path, error: { code, message } });
      } else {
        seconds += item.result.audio.seconds;
        await sink.row({ path, ...item.result });
      }
      progress?.update(done, { failed });
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
      `${count(done - failed)} of ${count(done)} recordings embedded in ${duration(elapsed)}: ` +
        `${duration(seconds)} of audio, ${Math.round(seconds / elapsed)} times as fast as it plays`,
    );
  }
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

/** Failed recordings have no row; `<file>.json` holds `{ model, paths }`, a path for each row. */
async function npySink(file: string, dimensions: number, model: string): Promise<Sink> {
  const writer = await NpyWriter.create(file, dimensions);
  const paths: string[] = [];
  return {
    async row(row) {
      if (!('embedding' in row)) return;
      await writer.append(row.embedding);
      paths.push(row.path);
    },
    end: () => writer.finish({ model, paths }),
    discard: () => writer.discard(),
  };
}

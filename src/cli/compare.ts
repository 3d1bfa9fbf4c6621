import { Option, type Command } from 'commander';
import type { EmbedResult, PauseHandling } from '../addon/types.js';
import { calibrationFor, readCalibrationFile } from '../scoring/model-calibration.js';
import { Scorer, type Score } from '../scoring/scorer.js';
import { table, type Cli } from './cli.js';
import { withEncoder, type EncoderOptions } from './encoder.js';
import {
  allowCodeOption,
  channelOption,
  deviceOption,
  precisionOption,
  modelOption,
  number,
  pausesOption,
  rateOption,
  trackOption,
  workersOption,
  type PartOptions,
  type RateOptions,
} from './options.js';
import { inputOf, namedRecordings } from './recordings.js';

interface Options extends EncoderOptions, PartOptions, RateOptions {
  json?: true;
  threshold?: number;
  calibration?: string;
  pauses?: PauseHandling;
}

export function register(program: Command, cli: Cli): void {
  program
    .command('compare')
    .description('whether two recordings are of the same speaker')
    .argument('<a>', 'a recording; - is standard input')
    .argument('<b>', 'another one')
    .addOption(modelOption())
    .option('--json', 'one JSON document: { cosine, llr, probability, threshold, decision, model, ... }')
    .addOption(
      new Option('--threshold <cosine>', 'the cosine from which on it is the same speaker').argParser(number(-1, 1)),
    )
    .addOption(rateOption('0.01').conflicts('threshold'))
    .addOption(new Option('--calibration <file>', 'what `timbre calibrate` wrote').env('TIMBRE_CALIBRATION'))
    .addOption(pausesOption())
    .addOption(channelOption(false))
    .addOption(trackOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(allowCodeOption())
    .addOption(workersOption())
    .addHelpText(
      'after',
      `
The exit status is 0 for either decision. Without a calibration, llr and probability are null, and the threshold is the
one that the model's publisher names, if there is one.

Examples:
  timbre compare alice-1.wav alice-2.wav --json
  arecord -d 5 -f S16_LE -r 16000 | timbre compare alice-1.wav -`,
    )
    .action(async (a: string, b: string, options: Options) => {
      const given = await namedRecordings(cli, a, b);
      await withEncoder(cli, { workers: 2, ...options }, {}, async (encoder) => {
        const info = encoder.info();
        const { pauses, channel, track } = options;
        const calibration =
          options.calibration === undefined
            ? calibrationFor(info, pauses)
            : await readCalibrationFile(options.calibration, info, pauses);
        const scorer = Scorer.of(info.manifest, {
          calibration,
          ...(options.threshold !== undefined && { threshold: options.threshold }),
        });
        const deciding = options.falseAcceptRate === undefined ? scorer : scorer.at(options.falseAcceptRate);
        const embedOptions = {
          signal: cli.signal,
          ...(pauses && { pauses }),
          ...(channel !== undefined && { channel }),
          ...(track !== undefined && { track }),
        };
        const [first, second] = (await Promise.all(
          given.map((each) => encoder.embed(inputOf(each), embedOptions)),
        )) as [EmbedResult, EmbedResult];
        const score = deciding.score(first.embedding, second.embedding, {
          a: { seconds: first.speech.seconds },
          b: { seconds: second.speech.seconds },
        });
        const sides = Object.fromEntries(
          [first, second].map(({ audio, speech, embedded, quality }, i) => [
            i === 0 ? 'a' : 'b',
            { audio, speech, embedded, quality },
          ]),
        );
        if (options.json) await cli.json({ ...score, model: first.model, ...sides });
        else await cli.line(report(score, first.model));
      });
    });
}

function report(score: Score, model: string): string {
  const { cosine, llr, probability, threshold, thresholdFrom, falseAcceptRate, extrapolated, decision } = score;
  const sources: Record<string, string> = {
    option: 'as given',
    calibration:
      `accepts ${Number(((falseAcceptRate ?? 0) * 100).toPrecision(3))} % of impostors` +
      (extrapolated ? ', extrapolated beyond its trials' : ''),
    published: "the publisher's",
  };
  return table([
    ['cosine', cosine.toFixed(4)],
    ['llr', llr === null ? '- (the model is not calibrated: `timbre calibrate`)' : llr.toFixed(2)],
    ['probability', probability === null ? '-' : probability.toFixed(4)],
    [
      'threshold',
      threshold === null
        ? '- (neither a calibration nor --threshold)'
        : `${threshold.toFixed(4)} (${sources[thresholdFrom ?? '']})`,
    ],
    ['decision', decision ?? '-'],
    ['model', model],
  ]);
}

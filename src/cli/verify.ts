import type { Command } from 'commander';
import type { ScoreView, VerificationView } from '../service/verification/verification.dto.js';
import { table, type Cli } from './cli.js';
import {
  channelOption,
  partFields,
  rateField,
  rateOption,
  trackOption,
  type PartOptions,
  type RateOptions,
} from './options.js';
import { namedRecordings } from './recordings.js';
import { addServiceOptions, ServiceClient, uploadOf, type ServiceOptions } from './service-client.js';

interface Options extends ServiceOptions, PartOptions, RateOptions {
  json?: true;
}

export function register(program: Command, cli: Cli): void {
  addServiceOptions(program.command('verify'))
    .description('whether a recording is of an enrolled speaker')
    .argument('<speaker>', "the speaker's id")
    .argument('<recording>', 'a recording; - is standard input')
    .addOption(channelOption(false))
    .addOption(trackOption())
    .addOption(rateOption("the service's"))
    .option('--json', 'one JSON document, as POST /v1/speakers/:id/verify answers')
    .addHelpText(
      'after',
      `
The exit status is 0 for every decision: ACCEPT, REJECT, NOT_ENOUGH_SPEECH, NOT_ENROLLED, OPTED_OUT.

Example:
  timbre verify ada claim.wav`,
    )
    .action(async (id: string, path: string, options: Options) => {
      const [audio] = await namedRecordings(cli, path);
      const client = new ServiceClient(cli, options);
      const form = { audio: await uploadOf(audio), ...partFields(options), ...rateField(options) };
      const found = await client.call('verifySpeaker', { id, form });
      if (options.json) await cli.json(found);
      else await cli.line(report(found));
    });
}

function report({ decision, score, model, recording, missingSpeechSeconds, confidence }: VerificationView): string {
  const lacks = missingSpeechSeconds === null ? '' : `, ${missingSpeechSeconds.toFixed(1)} s too little`;
  return table([
    ['decision', decision ?? '- (the model has no threshold: `timbre calibrate`)'],
    ...(score ? scoreRows(score) : []),
    ...(recording ? [['speech', `${recording.speech.seconds.toFixed(1)} s${lacks}`]] : []),
    ['confidence', `${confidence.toFixed(2)} (of the profile)`],
    ['model', model],
  ]);
}

function scoreRows({ cosine, llr, probability, threshold }: ScoreView): string[][] {
  return [
    ['cosine', cosine.toFixed(4)],
    ['threshold', threshold?.toFixed(4) ?? '-'],
    ['llr', llr?.toFixed(2) ?? '-'],
    ['probability', probability?.toFixed(4) ?? '-'],
  ];
}

import { Option, type Command } from 'commander';
import type { Given as GivenTo } from '../client/index.js';
import { TimbreError } from '../errors/timbre-error.js';
import type { IdentificationView } from '../service/identification/identification.dto.js';
import { table, type Cli } from './cli.js';
import {
  channelOption,
  partFields,
  rateField,
  rateOption,
  trackOption,
  whole,
  type PartOptions,
  type RateOptions,
} from './options.js';
import { findRecordings, type Given } from './recordings.js';
import { addServiceOptions, ServiceClient, uploadOf, type ServiceOptions } from './service-client.js';

interface Options extends ServiceOptions, PartOptions, RateOptions {
  top?: number;
  candidates?: string;
  group?: string;
  json?: true;
}

type Row = { path: string } & (IdentificationView | { error: { code: string; message: string } });

export function register(program: Command, cli: Cli): void {
  addServiceOptions(program.command('identify'))
    .description('whose voice a recording is, among all enrolled speakers')
    .argument('<path...>', 'recordings, or folders that are searched for them; - is standard input')
    .addOption(new Option('--top <n>', 'speakers in the ranking (default: 5)').argParser(whole(1, 50)))
    .option('--group <id>', 'the group whose members are searched (default: everybody)')
    .option('--candidates <ids>', 'speakers to choose among, separated by commas (default: everybody)')
    .addOption(channelOption(false))
    .addOption(trackOption())
    .addOption(rateOption("the service's"))
    .option('--json', 'one JSON document: a list of { path, decision, speakerId, margin, ranking, ... }')
    .addHelpText(
      'after',
      `
The exit status is 0 for every decision. A recording that fails does not stop the others; the exit status is then that
of the first such error.

Example:
  timbre identify meeting-1.wav --top 3`,
    )
    .action(async (paths: string[], options: Options) => {
      const files = await findRecordings(cli, paths);
      const client = new ServiceClient(cli, options);
      const { top, candidates, group } = options;
      const fields = {
        ...(top && { top }),
        ...(candidates !== undefined && { candidates }),
        ...(group !== undefined && { group }),
        ...partFields(options),
        ...rateField(options),
      };
      const progress = files.length > 1 ? cli.progress('identifying', files.length, 'files') : undefined;
      const rows: Row[] = [];
      try {
        for (const file of files) {
          rows.push(await identifyOne(cli, client, file, fields));
          progress?.update(rows.length, { failed: rows.filter((row) => 'error' in row).length });
        }
      } finally {
        progress?.stop();
      }
      if (options.json) await cli.json(rows);
      else for (const row of rows) if (!('error' in row)) await cli.line(report(row));
    });
}

async function identifyOne(
  cli: Cli,
  client: ServiceClient,
  given: Given,
  fields: Omit<GivenTo<'identifySpeaker'>['form'], 'audio'>,
): Promise<Row> {
  const { path } = given;
  try {
    return { path, ...(await client.call('identifySpeaker', { form: { audio: await uploadOf(given), ...fields } })) };
  } catch (error) {
    if (!(error instanceof TimbreError) || !/^(AUDIO_|NO_SPEECH|DECODER_FAILED|INFERENCE_FAILED)/.test(error.code))
      throw error;
    cli.fail(error, path);
    return { path, error: { code: error.code, message: error.message } };
  }
}

function report({
  path,
  decision,
  speakerId,
  margin,
  ranking,
  gallerySize,
}: { path: string } & IdentificationView): string {
  const who = speakerId === null ? '' : ` ${speakerId}`;
  const lead = margin === null ? '' : `, ${margin.toFixed(3)} ahead of the second`;
  const head = `${path}: ${decision ?? '- (the model has no threshold)'}${who} (of ${gallerySize}${lead})`;
  const rows = ranking.map(({ rank, speakerId: id, name, score }) => [
    `  ${rank}`,
    id,
    name ?? '',
    score.cosine.toFixed(4),
    score.probability === null ? '' : `probability ${score.probability.toFixed(4)}`,
  ]);
  return rows.length > 0 ? `${head}\n${table(rows)}` : head;
}

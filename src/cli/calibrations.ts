import { InvalidArgumentError, type Command } from 'commander';
import { TimbreError } from '../errors/timbre-error.js';
import type { CalibrationStanding, CalibrationView } from '../service/calibrations/calibrations.dto.js';
import { table, type Cli } from './cli.js';
import { addServiceOptions, ServiceClient, type ServiceOptions } from './service-client.js';

interface Options extends ServiceOptions {
  json?: true;
}

const PAGE = 50;

/** The model's own, where a version is named. */
const OF_MODEL = 'model';

/** False accepts whose thresholds are shown. */
const SHOWN_RATES = [0.01, 0.001] as const;

const SOURCES: Readonly<Record<NonNullable<CalibrationStanding['answers']>['from'], string>> = {
  model: "the model's own calibration",
  file: 'the file that TIMBRE_CALIBRATION names',
  saved: 'version',
};

export function register(program: Command, cli: Cli): void {
  const calibrations = program
    .command('calibrations')
    .description('calibrations that are saved in a running service, and which one decides')
    .addHelpText(
      'after',
      '\nSave one with `timbre calibrate --save`.\n\nExamples:\n  timbre calibrations list\n  timbre calibrations use 3\n  timbre calibrations use model',
    );
  const add = (name: string, description: string, example: string): Command =>
    addServiceOptions(calibrations.command(name).description(description))
      .option('--json', 'one JSON document')
      .addHelpText('after', `\nExample:\n  timbre calibrations ${example}`);

  add('list', 'all of them, newest first, and what decides', 'list').action(async (options: Options) => {
    const client = new ServiceClient(cli, options);
    const pages = await client.list('listCalibrations', { limit: PAGE }, (page) => [page]);
    const found = pages.flatMap((page) => page.calibrations);
    const { answers = null, fixedBy = null, setAside = null } = pages[0] ?? {};
    if (options.json) return cli.json({ answers, fixedBy, setAside, calibrations: found });
    if (found.length === 0) cli.note('none is saved yet: timbre calibrate --from-service --save');
    else {
      const heading = ['VERSION', 'IN USE', 'MODEL', 'SAVED', 'FROM', 'TRIALS', ...SHOWN_RATES.map(percent), 'NOTE'];
      await cli.line(table([heading, ...found.map(row)]));
    }
    cli.note(describe({ answers, fixedBy, setAside }));
  });

  add('show', 'one of them, without the vectors of its cohort', 'show 3')
    .argument('<version>', 'its number', version)
    .action(async (number: number, options: Options) => {
      await cli.json(await new ServiceClient(cli, options).call('getCalibration', { version: number }));
    });

  add('use', "put one to use at once, or the model's own", 'use 3')
    .argument('<version>', `its number, or \`${OF_MODEL}\` for the model's own`, versionOrModel)
    .option('--model <name>', `with \`${OF_MODEL}\`: of another model than the one that is loaded`)
    .action(async (number: number | typeof OF_MODEL, options: Options & { model?: string }) => {
      const client = new ServiceClient(cli, options);
      const { model } = options;
      if (model !== undefined && number !== OF_MODEL) {
        throw new TimbreError('INVALID_ARGUMENT', `--model goes with \`use ${OF_MODEL}\`: a version names its model`);
      }
      if (number === OF_MODEL) {
        const standing = await client.call('useModelCalibration', model === undefined ? {} : { model });
        if (options.json) await cli.json(standing);
        else cli.note(describe(standing));
        return;
      }
      const used = await client.call('useCalibration', { version: number });
      if (options.json) await cli.json(used);
      else cli.note(`version ${used.version} decides for ${used.model}`);
    });

  add('remove', 'remove one that is not in use', 'remove 3')
    .argument('<version>', 'its number', version)
    .action(async (number: number, options: Options) => {
      await new ServiceClient(cli, options).call('deleteCalibration', { version: number });
      if (options.json) await cli.json({ removed: number });
      else cli.note(`version ${number} is removed`);
    });
}

function row({
  version: number,
  inUse,
  readable,
  model,
  createdAt,
  from,
  learnedOn,
  ...rest
}: CalibrationView): string[] {
  const { thresholds, note } = rest;
  return [
    String(number),
    readable ? (inUse ? 'yes' : '-') : 'unreadable',
    model,
    createdAt.slice(0, 10),
    from,
    learnedOn ? `${learnedOn.targets + learnedOn.impostors} of ${learnedOn.speakers} people` : '-',
    ...SHOWN_RATES.map((rate) => thresholdAt(thresholds, rate)),
    note ?? '-',
  ];
}

/** A cosine where one is the threshold, else the evidence that is needed. */
function thresholdAt(thresholds: CalibrationView['thresholds'], rate: number): string {
  const found = thresholds.find(({ falseAcceptRate }) => falseAcceptRate === rate);
  if (!found) return '-';
  const { cosine, llr } = found;
  return cosine === null ? (llr === null ? '-' : `llr ${llr.toFixed(2)}`) : cosine.toFixed(3);
}

function percent(rate: number): string {
  return `AT ${100 * rate} %`;
}

function describe({ answers, fixedBy, setAside }: CalibrationStanding): string {
  const what = answers && (answers.from === 'saved' ? `${SOURCES.saved} ${answers.version}` : SOURCES[answers.from]);
  const lines = [what ? `${what} decides` : 'nothing decides until the model is loaded'];
  if (fixedBy !== null) lines.push(`${fixedBy} is set: saved ones are not put to use`);
  if (setAside !== null) lines.push(`version ${setAside} is in use and cannot be used: it is set aside`);
  return lines.join('; ');
}

function version(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('a version such as 3 belongs here.');
  return Number(text);
}

function versionOrModel(text: string): number | typeof OF_MODEL {
  return text === OF_MODEL ? OF_MODEL : version(text);
}

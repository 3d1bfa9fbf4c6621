import { Option, type Command } from 'commander';
import { TimbreError } from '../errors/timbre-error.js';
import type { MoveDirection, MoveReport } from '../service/app/command-line.js';
import { Config } from '../service/config/config.js';
import { SETTINGS } from '../service/config/settings.js';
import type { Cli } from './cli.js';
import { service } from './local-service.js';
import { count, type Progress, type ProgressUnit } from './progress.js';

interface Options {
  from: string;
  to: string;
  schema?: string;
  json?: true;
}

/** What stands for the address in a variable, which nobody reads in the list of processes. */
const VARIABLE = SETTINGS.databaseUrl.env;

export function register(program: Command, cli: Cli): void {
  const { env, default: otherwise, means } = SETTINGS.databaseSchema;
  program
    .command('migrate')
    .description('move everything that is stored from the SQLite file of a data folder to PostgreSQL, or back')
    .requiredOption('--from <place>', `where the data is: a data folder, postgres://..., or ${VARIABLE}: what that has`)
    .requiredOption('--to <place>', 'where it is to be, the other of the two; nothing may be there yet')
    .addOption(new Option('--schema <name>', `${means} (${env}; default: ${otherwise})`))
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Every service on either database has to be stopped. The data folder stays what it was: key, epoch file, uploads of jobs and
the local key lie in it before and after. Everything is copied as it is, the audio of kept recordings too, and compared; then services
start on the copy, and no longer on what was left behind, which is not removed.

Cut off at any moment, the same command goes on where it was. docs/operations.md has every step.

Examples:
  timbre migrate --from ./data --to 'postgres://timbre@db.example/voices?sslmode=verify-full'
  timbre migrate --from ./data --to ${VARIABLE} --schema voices
  timbre migrate --from ${VARIABLE} --to ./data`,
    )
    .action((options: Options) => migrate(cli, options));
}

async function migrate(cli: Cli, options: Options): Promise<void> {
  const { direction, config } = settingsOf(cli, options);
  const local = await service();
  let bar: Progress | undefined;
  const progress = (title: string, total: number, unit: ProgressUnit = 'rows'): Progress => {
    bar?.stop();
    return (bar = cli.progress(title, total, unit));
  };
  let all = 0;
  let recordings: Progress | undefined;
  let comparing: Progress | undefined;
  try {
    const report = await local.moveData(config, direction, {
      signal: cli.signal,
      begun: (total, done, resumed) => {
        all = total;
        if (resumed) cli.note(`goes on with a copy that was cut off, with ${count(done)} of ${count(total)} rows`);
        progress('copying', total).update(done, { resumed: done });
      },
      copied: (rows) => bar?.update(rows),
      audioCopied: (done, total) => {
        recordings ??= progress('copying recordings', total, 'files');
        recordings.update(done);
      },
      compared: (rows) => {
        comparing ??= progress('comparing', all);
        comparing.update(rows);
      },
    });
    bar?.stop();
    if (options.json) await cli.json(report);
    else tell(cli, report, direction, config);
  } finally {
    bar?.stop();
  }
}

function tell(cli: Cli, report: MoveReport, direction: MoveDirection, { dataDir }: Config): void {
  const { from, to, rows, vectors, unreadableVectors, recordings, missingRecordings } = report;
  const { removal, alreadyMoved, uploadsElsewhere } = report;
  if (alreadyMoved) cli.note(`everything of ${from} was moved to ${to} before`);
  else
    cli.note(`${count(rows)} rows are in ${to} as they are in ${from}; ${count(vectors)} vectors were opened in both`);
  if (recordings > 0) cli.note(`the audio of ${count(recordings)} kept recordings is in both`);
  const start =
    direction === 'to PostgreSQL'
      ? `start the service with ${VARIABLE}, and the data folder ${dataDir} as before`
      : `start the service on the data folder ${dataDir}, without ${VARIABLE}`;
  cli.note(start);
  cli.note(`no service starts on ${from} any more; it is left as it was. To remove it: ${removal}`);
  if (unreadableVectors > 0) {
    cli.warn(
      `${count(unreadableVectors)} of the vectors looked at do not open, in the source either; timbre doctor --data-dir ${dataDir} ` +
        'says whose they are',
    );
  }
  if (missingRecordings > 0) {
    cli.warn(`the audio of ${count(missingRecordings)} kept recordings is missing, in the source too`);
  }
  for (const { node, recordings: waiting } of uploadsElsewhere) {
    cli.warn(
      `${count(waiting)} recordings of jobs wait for uploads that lie in the folder of the node ${node} (its node.id): ` +
        `copy what is in its spool to ${dataDir}/spool before the service starts, or they fail`,
    );
  }
}

function settingsOf(cli: Cli, { from, to, schema }: Options): { direction: MoveDirection; config: Config } {
  const [source, target] = [placeOf(cli, '--from', from), placeOf(cli, '--to', to)];
  const [folder, url] = 'folder' in source ? [source, target] : [target, source];
  if (!('folder' in folder) || !('url' in url)) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      'one of --from and --to is a data folder, and the other postgres://host/database; a file is copied by `timbre backup`, ' +
        'a schema by pg_dump',
    );
  }
  const given = {
    dataDir: folder.folder,
    databaseUrl: url.url,
    ...(schema !== undefined && { databaseSchema: schema }),
  };
  return { direction: folder === source ? 'to PostgreSQL' : 'to SQLite', config: Config.of(given, cli.env) };
}

type Place = { folder: string } | { url: string };

/** Errors: INVALID_ARGUMENT, which does not repeat an address. */
function placeOf({ env }: Cli, option: string, text: string): Place {
  const given = text === VARIABLE ? (env[VARIABLE]?.trim() ?? '') : text;
  if (given === '') throw new TimbreError('INVALID_ARGUMENT', `${option}: ${text === '' ? 'it' : text} is empty`);
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(given)) return { folder: given };
  const { success, error } = SETTINGS.databaseUrl.schema.safeParse(given);
  if (!success) throw new TimbreError('INVALID_ARGUMENT', `${option}: the address ${error.issues[0]!.message}`);
  return { url: given };
}

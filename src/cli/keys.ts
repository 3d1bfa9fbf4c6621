import { InvalidArgumentError, Option, type Command } from 'commander';
import type { KeyView } from '../service/app/command-line.js';
import { SCOPES, type Scope } from '../support/scopes.js';
import { TimbreError } from '../errors/timbre-error.js';
import { Config } from '../service/config/config.js';
import { SETTINGS } from '../service/config/settings.js';
import { table, type Cli } from './cli.js';
import { registerRotateData } from './keys-rotate.js';
import { service } from './local-service.js';
import { number, several } from './options.js';

interface Options {
  dataDir?: string;
  json?: true;
}

interface CreateOptions extends Options {
  name: string;
  scope: Scope[];
  group?: string[];
  days?: number;
}

export function register(program: Command, cli: Cli): void {
  const keys = program
    .command('keys')
    .description('the API keys of a service, in its data folder; the service may be running')
    .addHelpText('after', '\nExample:\n  timbre keys create --name backend --scope read --scope enrol');
  const add = (name: string, description: string, example: string): Command =>
    keys
      .command(name)
      .description(description)
      .addOption(dataDirOption())
      .option('--json', 'one JSON document')
      .addHelpText('after', `\nExample:\n  timbre keys ${example}`);

  add('create', 'make a key; it is shown this once and stored nowhere', 'create --name kiosk --scope enrol --days 90')
    .requiredOption('--name <name>', 'who or what uses it, for people')
    .addOption(
      new Option('--scope <scope>', `${SCOPES.join(', ')}; repeat for several (admin may do everything)`)
        .argParser(scope)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '--group <id>',
        'binds the key to a group of speakers: it sees and changes nobody else; repeat for several',
      ).argParser(several),
    )
    .addOption(
      new Option('--days <n>', 'expires after so many days (default: never)').argParser(number(0.0001, 36_500)),
    )
    .addHelpText('after', '\nThe key alone goes to stdout, so that it can go into a file: > backend.key')
    .action((options: CreateOptions) => create(cli, options));

  add('list', 'all keys, oldest first', 'list').action(async (options: Options) => {
    const { listKeys } = await service();
    await show(cli, await listKeys(configOf(cli, options)), options);
  });

  add('revoke', 'make a key invalid; a running service refuses it within a second', 'revoke 0123456789ab')
    .argument('<id>', "the key's id, or the key itself")
    .action(async (given: string, options: Options) => {
      const config = configOf(cli, options);
      const { id, revoked } = await (await service()).revokeKey(config, given);
      if (!revoked) throw new TimbreError('KEY_NOT_FOUND', `there is no API key ${id} in ${config.dataDir}`);
      if (options.json) await cli.json({ revoked: id });
      else cli.note(`${id} is revoked`);
    });

  add(
    'forget-retired',
    'remove the data keys that rotations kept aside for backups made before',
    'forget-retired',
  ).action(async (options: Options) => {
    const forgotten = await (await service()).forgetRetired(configOf(cli, options));
    if (options.json) await cli.json({ forgotten });
    else cli.note(forgotten === 0 ? 'no data key was kept aside' : `${forgotten} data keys are gone for good`);
  });

  registerRotateData(keys, cli);
}

function dataDirOption(): Option {
  const { env, default: otherwise, means } = SETTINGS.dataDir;
  return new Option('--data-dir <dir>', `${means} (${env}; default: ${otherwise})`);
}

async function create(cli: Cli, options: CreateOptions): Promise<void> {
  const { name, scope: scopes, group: groups, days } = options;
  const { createKey } = await service();
  const { key, text } = await createKey(configOf(cli, options), { name, scopes, groups, days });
  if (options.json) await cli.json({ ...key, key: text });
  else await cli.line(text);
  const bound = key.groups ? `, bound to ${key.groups.join(', ')}` : '';
  cli.note(
    `the key ${key.id} of ${key.name} (${key.scopes.join(', ')}${bound}) is stored as a hash only: keep its text now`,
  );
}

async function show(cli: Cli, views: readonly KeyView[], { json }: Options): Promise<void> {
  if (json) return cli.json(views);
  if (views.length === 0) {
    cli.note('no keys yet: timbre keys create --name <name> --scope <scope>');
    return;
  }
  const rows = views.map(({ id, name, scopes, groups, status, createdAt, expiresAt, lastUsedOn }) => {
    const until = expiresAt === null ? '-' : expiresAt.slice(0, 10);
    return [
      id,
      name,
      scopes.join(','),
      status,
      createdAt.slice(0, 10),
      until,
      lastUsedOn ?? '-',
      groups?.join(',') ?? '-',
    ];
  });
  await cli.line(table([['ID', 'NAME', 'SCOPES', 'STATUS', 'CREATED', 'EXPIRES', 'LAST USED', 'GROUPS'], ...rows]));
}

function configOf(cli: Cli, { dataDir }: Options): Config {
  return Config.of(dataDir === undefined ? {} : { dataDir }, cli.env);
}

function scope(text: string, before: Scope[] = []): Scope[] {
  const found = SCOPES.find((known) => known === text);
  if (!found) throw new InvalidArgumentError(`${SCOPES.join(', ')} belong here.`);
  return [...before, found];
}

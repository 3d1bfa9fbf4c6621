import { InvalidArgumentError, Option, type Command } from 'commander';
import type { ApiKey, KeyStatus } from '../service/access/api-key.js';
import type { KeyStore } from '../service/access/key-store.js';
import { SCOPES, type Scope } from '../support/scopes.js';
import { TimbreError } from '../errors/timbre-error.js';
import { Config } from '../service/config/config.js';
import { SETTINGS } from '../service/config/settings.js';
import { table, type Cli } from './cli.js';
import { registerRotateData } from './keys-rotate.js';
import { number } from './options.js';

interface Options {
  dataDir?: string;
  json?: true;
}

interface CreateOptions extends Options {
  name: string;
  scope: Scope[];
  days?: number;
}

const DAY_MS = 86_400_000;

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
      new Option('--days <n>', 'expires after so many days (default: never)').argParser(number(0.0001, 36_500)),
    )
    .addHelpText('after', '\nThe key alone goes to stdout, so that it can go into a file: > backend.key')
    .action((options: CreateOptions) => create(cli, options));

  add('list', 'all keys, oldest first', 'list').action(async (options: Options) => {
    const found = await withStore(cli, options, (store) => store.all());
    await show(cli, found ?? [], options);
  });

  add('revoke', 'make a key invalid; a running service refuses it within a second', 'revoke 0123456789ab')
    .argument('<id>', "the key's id, or the key itself")
    .action(async (given: string, options: Options) => {
      const { keyIdOf } = await import('../service/access/api-key.js');
      const id = keyIdOf(given) ?? given;
      const revoked = await withStore(cli, options, (store) => store.revoke(id, new Date()));
      if (!revoked) throw new TimbreError('KEY_NOT_FOUND', `there is no API key ${id} in ${dataDirOf(cli, options)}`);
      if (options.json) await cli.json({ revoked: id });
      else cli.note(`${id} is revoked`);
    });

  registerRotateData(keys, cli);
}

function dataDirOption(): Option {
  const { env, default: otherwise, means } = SETTINGS.dataDir;
  return new Option('--data-dir <dir>', `${means} (${env}; default: ${otherwise})`);
}

async function create(cli: Cli, options: CreateOptions): Promise<void> {
  const { name, scope: scopes, days } = options;
  const now = new Date();
  const expiresAt = days === undefined ? null : new Date(now.getTime() + days * DAY_MS);
  const { newApiKey } = await import('../service/access/api-key.js');
  const { key, text } = newApiKey({ name, scopes, expiresAt }, now);
  const { dataDir: folder, dataKey, dataKeyFile: keyFile } = configOf(cli, options);
  const { TypeOrmKeyStore } = await import('../service/persistence/sqlite/typeorm-key-store.js');
  const store = await TypeOrmKeyStore.openOrMake({ folder, keyFile, key: dataKey || undefined });
  try {
    await store.insert(key);
  } finally {
    await store.close();
  }
  if (options.json) await cli.json({ ...(await viewOf(key, now)), key: text });
  else await cli.line(text);
  cli.note(`the key ${key.id} of ${key.name} (${key.scopes.join(', ')}) is stored as a hash only: keep its text now`);
}

/** Undefined where there is no database with keys. */
async function withStore<T>(cli: Cli, options: Options, work: (store: KeyStore) => Promise<T>): Promise<T | undefined> {
  const { TypeOrmKeyStore } = await import('../service/persistence/sqlite/typeorm-key-store.js');
  const store = await TypeOrmKeyStore.open(dataDirOf(cli, options));
  if (!store) return undefined;
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function show(cli: Cli, keys: readonly ApiKey[], { json }: Options): Promise<void> {
  const now = new Date();
  const views = await Promise.all(keys.map((key) => viewOf(key, now)));
  if (json) return cli.json(views);
  if (views.length === 0) {
    cli.note('no keys yet: timbre keys create --name <name> --scope <scope>');
    return;
  }
  const rows = views.map(({ id, name, scopes, status, createdAt, expiresAt, lastUsedOn }) => {
    const until = expiresAt === null ? '-' : expiresAt.slice(0, 10);
    return [id, name, scopes.join(','), status, createdAt.slice(0, 10), until, lastUsedOn ?? '-'];
  });
  await cli.line(table([['ID', 'NAME', 'SCOPES', 'STATUS', 'CREATED', 'EXPIRES', 'LAST USED'], ...rows]));
}

interface KeyView extends Pick<ApiKey, 'id' | 'name' | 'scopes' | 'lastUsedOn'> {
  status: KeyStatus;
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
}

async function viewOf(key: ApiKey, now: Date): Promise<KeyView> {
  const { statusOf } = await import('../service/access/api-key.js');
  const { id, name, scopes, lastUsedOn } = key;
  return {
    id,
    name,
    scopes,
    status: statusOf(key, now),
    createdAt: key.createdAt.toISOString(),
    expiresAt: key.expiresAt?.toISOString() ?? null,
    revokedAt: key.revokedAt?.toISOString() ?? null,
    lastUsedOn,
  };
}

function configOf(cli: Cli, { dataDir }: Options): Config {
  return Config.of(dataDir === undefined ? {} : { dataDir }, cli.env);
}

function dataDirOf(cli: Cli, options: Options): string {
  return configOf(cli, options).dataDir;
}

function scope(text: string, before: Scope[] = []): Scope[] {
  const found = SCOPES.find((known) => known === text);
  if (!found) throw new InvalidArgumentError(`${SCOPES.join(', ')} belong here.`);
  return [...before, found];
}

import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { isErrorCode, TimbreError } from '../errors/timbre-error.js';
import type { PeopleView, ReEmbeddingView } from '../service/re-embedding/re-embedding.dto.js';
import { table, type Cli } from './cli.js';
import { addServiceOptions, ServiceClient, type ServiceOptions } from './service-client.js';

interface Options extends ServiceOptions {
  json?: true;
  status?: true;
  cancel?: true;
  left?: true;
}

const POLL_MS = 1000;
const PAGE = 500;

export function register(program: Command, cli: Cli): void {
  addServiceOptions(
    program.command('re-embed').description('embed all recordings that are kept by the model that a service uses'),
  )
    .option('--status', 'say how far it is, and begin nothing')
    .option('--left', 'list who has recordings that the model has not embedded, and why')
    .option('--cancel', 'end the one that runs; who was switched stays so')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
People switch one by one while the service goes on working, and vectors of other models go when all are done. The work is
the service's: this command follows it, and ending the command ends nothing. A service that is started again goes on.

Examples:
  timbre re-embed
  timbre re-embed --status
  timbre re-embed --left --json`,
    )
    .action(async (options: Options) => {
      const chosen = [options.status, options.left, options.cancel].filter((one) => one === true);
      if (chosen.length > 1) {
        throw new TimbreError('INVALID_ARGUMENT', 'name one of --status, --left and --cancel');
      }
      const client = new ServiceClient(cli, options);
      if (options.left) return listLeft(cli, client, options);
      if (options.status) return show(cli, await client.call('getReEmbedding'), options);
      if (options.cancel) return show(cli, await client.call('cancelReEmbedding'), options);
      const done = await follow(cli, client);
      await show(cli, done, options);
      const { run } = done;
      if (run?.state === 'completed') return;
      const code = run?.error?.code ?? 'ABORTED';
      throw new TimbreError(isErrorCode(code) ? code : 'INTERNAL', run?.error?.message ?? 'it was cancelled');
    });
}

async function follow(cli: Cli, client: ServiceClient): Promise<ReEmbeddingView> {
  let now: ReEmbeddingView = await client.call('startReEmbedding');
  const progress = cli.progress('embedding', now.run?.people ?? 0, 'people');
  try {
    while (now.run?.state === 'running') {
      progress.update(now.run.done + now.run.failed);
      await delay(POLL_MS, undefined, { signal: cli.signal }).catch((cause: unknown) => {
        throw new TimbreError('ABORTED', 'cancelled; the service goes on: timbre re-embed --cancel ends it', { cause });
      });
      now = await client.call('getReEmbedding');
    }
    progress.update((now.run?.done ?? 0) + (now.run?.failed ?? 0));
  } finally {
    progress.stop();
  }
  return now;
}

async function show(cli: Cli, view: ReEmbeddingView, { json }: Options): Promise<void> {
  if (json) return cli.json(view);
  const { run, left, kept } = view;
  const rows: [string, string][] = [];
  if (run) {
    rows.push(['state', run.state === 'running' ? `${run.state}, ${run.phase}` : run.state], ['model', run.model]);
    rows.push(['people', `${run.done} done, ${run.failed} failed, of ${run.people}`]);
    rows.push(['recordings', String(run.recordings)], ['old vectors gone', String(run.removed)]);
    if (run.error) rows.push(['error', `${run.error.code}: ${run.error.message}`]);
  } else rows.push(['state', 'never begun']);
  rows.push(['kept', `${kept.recordings} recordings of ${kept.people} people`]);
  rows.push(['left', `${left.people} people, ${left.withoutAudio} of them without audio`], ['counted', left.countedAt]);
  await cli.line(table(rows));
}

async function listLeft(cli: Cli, client: ServiceClient, { json }: Options): Promise<void> {
  const people: PeopleView['people'] = [];
  let cursor: string | null = null;
  do {
    const page: PeopleView = await client.call('listReEmbeddingPeople', {
      limit: PAGE,
      ...(cursor !== null && { cursor }),
    });
    people.push(...page.people);
    cursor = page.nextCursor;
  } while (cursor !== null);
  if (json) return cli.json({ people });
  if (people.length === 0) return cli.line('nobody: the model has embedded every enrolled recording');
  const rows = people.map(({ speakerId, recordings, audioKept, enrolled, reason }) => [
    speakerId,
    reason,
    `${recordings} recordings`,
    `${audioKept} kept`,
    enrolled ? 'enrolled' : '',
  ]);
  await cli.line(table(rows));
}

import { Option, type Command } from 'commander';
import { isErrorCode, TimbreError } from '../errors/timbre-error.js';
import type { ItemEventView, JobView, JobWithItemsView } from '../service/jobs/jobs.dto.js';
import { table, type Cli } from './cli.js';
import { whole } from './options.js';
import { count, duration } from './progress.js';
import { addServiceOptions, ServiceClient, type ServiceOptions } from './service-client.js';

interface Options extends ServiceOptions {
  json?: true;
}

/** Jobs, and recordings of a job, that one request asks for. */
const JOBS = 500;
const ITEMS = 1000;

/** Recordings that failed, as far as people are shown them. */
const FAILED_SHOWN = 20;

export function register(program: Command, cli: Cli): void {
  const jobs = program
    .command('jobs')
    .description('training sessions of a running service')
    .addHelpText('after', '\nExample:\n  timbre jobs list');
  const add = (name: string, description: string, example: string): Command =>
    addServiceOptions(jobs.command(name).description(description))
      .option('--json', 'one JSON document')
      .addHelpText('after', `\nExample:\n  timbre jobs ${example}`);

  add('list', 'jobs, newest first', 'list --json')
    .addOption(new Option('--limit <n>', 'at most so many').argParser(whole(1, 1_000_000)))
    .action(async (options: Options & { limit?: number }) => {
      const found = await list(new ServiceClient(cli, options), options.limit ?? Infinity);
      if (options.json) return cli.json(found);
      if (found.length > 0) await cli.line(table(found.map((job) => [job.id, job.createdAt, describe(job)])));
      else cli.note('no jobs: timbre enroll --from-folders <dir>');
    });

  add('show', 'a job and what came of its recordings', 'show 0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11')
    .argument('<job>', "the job's id")
    .action(async (id: string, options: Options) => {
      const client = new ServiceClient(cli, options);
      if (options.json) await cli.json(await readWhole(client, id));
      else await cli.line(await report(client, id));
    });

  add('watch', 'follow a job until it ends', 'watch 0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11')
    .argument('<job>', "the job's id")
    .addHelpText(
      'after',
      '\nThe exit status is that of the first recording that failed. Interrupted, it leaves the job going on.',
    )
    .action(async (id: string, options: Options) => {
      const client = new ServiceClient(cli, options);
      const end = await watch(cli, client, id);
      if (options.json) await cli.json(end);
      else await cli.line(`${end.id}: ${describe(end)}`);
    });

  add('cancel', 'cancel a job; what it enrolled stays, and so do its results', 'cancel 0b2c6f0e-8f0b-...')
    .argument('<job>', "the job's id")
    .action(async (id: string, options: Options) => {
      const job = await new ServiceClient(cli, options).call('cancelJob', { id });
      if (options.json) await cli.json(job);
      else cli.note(`${id}: ${describe(job)}`);
    });

  add('remove', 'remove a finished job with its results; what it enrolled stays', 'remove 0b2c6f0e-8f0b-...')
    .argument('<job>', "the job's id")
    .action(async (id: string, options: Options) => {
      await new ServiceClient(cli, options).call('removeJob', { id });
      if (options.json) await cli.json({ removed: id });
      else cli.note(`${id} is removed`);
    });
}

function list(client: ServiceClient, limit: number): Promise<JobView[]> {
  return client.list('listJobs', { limit: Math.min(JOBS, limit) }, ({ jobs }) => jobs, limit);
}

/** The job with all its recordings. */
async function readWhole(client: ServiceClient, id: string): Promise<JobWithItemsView> {
  const pages = await client.list('getJob', { id, limit: ITEMS }, (page) => [page]);
  return { ...pages.at(-1)!, items: pages.flatMap(({ items }) => items) };
}

async function report(client: ServiceClient, id: string): Promise<string> {
  const job = await client.call('getJob', { id, state: 'failed', limit: FAILED_SHOWN });
  const failed = job.items.map(({ speakerId, path, filename, error }) => [
    path ?? filename ?? '-',
    speakerId ?? '-',
    error?.code ?? '',
    error?.message ?? '',
  ]);
  const more = job.counts.failed - failed.length;
  return [
    table([
      ['id', job.id],
      ['state', describe(job)],
      ['created', job.createdAt],
      ['started', job.startedAt ?? '-'],
      ['finished', job.finishedAt ?? '-'],
    ]),
    ...(failed.length > 0 ? ['', table(failed)] : []),
    ...(more > 0 ? [`and ${count(more)} more that failed`] : []),
  ].join('\n');
}

async function watch(cli: Cli, client: ServiceClient, id: string): Promise<JobView> {
  const progress = cli.progress('enrolling', 0, 'files');
  let before: number | undefined;
  const show = ({ counts: { total, waiting, failed } }: JobView): void => {
    before ??= total - waiting;
    progress.update(total - waiting, { total, failed, resumed: before });
  };
  try {
    for await (const { event, data } of client.follow(id)) {
      if (event === 'item') {
        const { path, filename, error, job } = data as ItemEventView;
        if (error) {
          const code = isErrorCode(error.code) ? error.code : 'INTERNAL';
          cli.fail(new TimbreError(code, error.message), path ?? filename ?? undefined);
        }
        show(job);
      } else {
        show(data as JobView);
        if (event === 'end') return data as JobView;
      }
    }
  } finally {
    progress.stop();
  }
  throw new TimbreError('JOB_NOT_FOUND', `the job ${id} was removed while it was followed`);
}

/** `running, 43 of 120 done, 2 failed, 32 s left` */
function describe({ state, counts: { total, done, failed, cancelled }, secondsLeft }: JobView): string {
  const parts: string[] = [state, `${count(done)} of ${count(total)} done`];
  if (failed > 0) parts.push(`${count(failed)} failed`);
  if (cancelled > 0) parts.push(`${count(cancelled)} cancelled`);
  if (secondsLeft !== null) parts.push(`${duration(secondsLeft)} left`);
  return parts.join(', ');
}

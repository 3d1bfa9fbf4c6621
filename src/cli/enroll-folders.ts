import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFile } from '../support/files.js';
import { speakerId } from '../support/speaker-id.js';
import { isErrorCode, TimbreError } from '../errors/timbre-error.js';
import type { JobView, ItemEventView } from '../service/jobs/jobs.dto.js';
import type { SpeakerView } from '../service/speakers/speakers.dto.js';
import { table, type Cli } from './cli.js';
import type { Consent } from './consent-options.js';
import { describeSpeaker } from './describe-speaker.js';
import type { Progress } from './progress.js';
import { fileOf, isOfMacOS, recordingsBelow, type Given } from './recordings.js';
import { uploadOf, type ServiceClient } from './service-client.js';

/** What goes in one request: it is read into memory, and what is lost when a connection breaks is sent again. */
const BATCH_FILES = 32;
const BATCH_BYTES = 64 * 1024 * 1024;

/** Enrolments read at a time. */
const PAGE = 500;

/** Jobs of this command that the service has at a time: one works while the next is sent. */
const JOBS_AT_ONCE = 2;

interface Source {
  speakerId: string;
  given: Given;
  path: string;
  bytes: number;
}

/** What came of one file. */
type Row = { speakerId: string; path: string } & (
  | { state: 'known' }
  | { state: 'enrolled'; enrollmentId: string; accepted: boolean }
  | { state: 'failed'; error: { code: string; message: string } }
);

/** Enrols every folder of a folder as the speaker it is named after. */
export async function enrolFolders(
  cli: Cli,
  client: ServiceClient,
  folder: string,
  { json: asJson, consent }: { json: boolean; consent: Consent | undefined },
): Promise<void> {
  const speakers = await findSpeakers(cli, folder);
  const count = speakers.reduce((sum, { files }) => sum + files.length, 0);
  if (count === 0) throw new TimbreError('INVALID_ARGUMENT', `no folder in ${folder} has recordings`);
  const progress = cli.progress('enrolling', count, 'files');
  const rows = await new FolderEnrolment(cli, client, progress, consent).run(speakers).finally(() => progress.stop());
  const states: SpeakerView[] = [];
  for (const { id } of speakers) {
    // One whose recordings all failed may not be there.
    if (rows.some((row) => row.speakerId === id && row.state !== 'failed')) {
      states.push(await client.call('getSpeaker', { id }));
    }
  }
  if (asJson) await cli.json({ speakers: states, results: rows });
  else await cli.line(report(states, rows));
}

/** The speakers of a folder, and their recordings. Errors: INVALID_ARGUMENT for a folder whose name is no id. */
async function findSpeakers(cli: Cli, folder: string): Promise<{ id: string; files: Given[] }[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new TimbreError('INVALID_ARGUMENT', `cannot read the folder ${folder}: ${(cause as Error).message}`, {
      cause,
    });
  });
  const found: { id: string; files: Given[] }[] = [];
  for (const name of names.sort()) {
    const path = join(folder, name);
    if (isOfMacOS(name) || !(await stat(path)).isDirectory()) continue;
    const files = await recordingsBelow(cli, path);
    if (files.length > 0) found.push({ id: idOf(name, path), files });
  }
  return found;
}

function idOf(name: string, path: string): string {
  try {
    return speakerId(name);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TimbreError('INVALID_ARGUMENT', `${path} is not named by a speaker's id: ${reason}; rename it`, {
      cause,
    });
  }
}

class FolderEnrolment {
  private readonly rows: Row[] = [];
  private readonly underWay = new Set<Promise<void>>();
  private failed = 0;
  private known = 0;

  constructor(
    private readonly cli: Cli,
    private readonly client: ServiceClient,
    private readonly progress: Progress,
    /** Of every speaker who has none recorded. */
    private readonly consent: Consent | undefined,
  ) {}

  async run(speakers: readonly { id: string; files: readonly Given[] }[]): Promise<Row[]> {
    try {
      const { model } = await this.client.call('getInfo');
      let batch: Source[] = [];
      for (const { id, files } of speakers) {
        const there = await this.stored(id, model?.name);
        for (const file of files) {
          const source = await this.look(id, file, there);
          if (!source) continue;
          const bytes = batch.reduce((sum, one) => sum + one.bytes, source.bytes);
          if (batch.length === BATCH_FILES || (batch.length > 0 && bytes > BATCH_BYTES)) {
            await this.send(batch);
            batch = [];
          }
          batch.push(source);
        }
      }
      if (batch.length > 0) await this.send(batch);
      await Promise.all(this.underWay);
    } catch (error) {
      await Promise.allSettled(this.underWay);
      if (this.cli.signal.aborted) {
        this.cli.note('recordings that were sent are enrolled all the same; `timbre jobs list` shows them');
      }
      throw error;
    }
    return this.rows;
  }

  /** Digests of the files that the speaker has of the loaded model. */
  private async stored(id: string, model: string | undefined): Promise<Set<string>> {
    try {
      const stored = await this.client.list('listEnrollments', { id, limit: PAGE }, (page) => page.enrollments);
      return new Set(stored.filter((one) => one.model === model).map(({ sha256 }) => sha256));
    } catch (error) {
      if (error instanceof TimbreError && error.code === 'SPEAKER_NOT_FOUND') return new Set();
      throw error;
    }
  }

  /** What is to be sent; undefined for a file that is there already or cannot be read. */
  private async look(id: string, given: Given, there: ReadonlySet<string>): Promise<Source | undefined> {
    const { path } = given;
    let digest: Awaited<ReturnType<typeof digestFile>>;
    try {
      digest = await digestFile(fileOf(given));
    } catch (cause) {
      this.fail(id, path, new TimbreError('AUDIO_NOT_FOUND', (cause as Error).message, { cause }));
      return undefined;
    }
    if (!there.has(digest.sha256)) return { speakerId: id, given, path, bytes: digest.bytes };
    this.known++;
    this.add({ speakerId: id, path, state: 'known' });
    return undefined;
  }

  /** Hands a batch over as a job; waits while the service has enough to do. */
  private async send(batch: readonly Source[]): Promise<void> {
    while (this.underWay.size >= JOBS_AT_ONCE) await Promise.race(this.underWay);
    const fields = {
      items: JSON.stringify(batch.map((source) => ({ speakerId: source.speakerId }))),
      createSpeakers: 'true' as const,
      ...(this.consent && { consent: JSON.stringify(this.consent) }),
    };
    let job: JobView;
    try {
      const audio = await Promise.all(batch.map(({ given }) => uploadOf(given)));
      job = await this.client.call('createTrainingSession', { form: { audio, ...fields } });
    } catch (error) {
      if (!(error instanceof TimbreError) || !['AUDIO_TOO_LARGE', 'BODY_TOO_LARGE'].includes(error.code)) throw error;
      if (batch.length === 1) {
        this.fail(batch[0]!.speakerId, batch[0]!.path, error);
        return;
      }
      // One of them is too large, or all of them together are: the halves tell.
      const half = Math.ceil(batch.length / 2);
      await this.send(batch.slice(0, half));
      await this.send(batch.slice(half));
      return;
    }
    const following = this.follow(job.id, batch).finally(() => this.underWay.delete(following));
    // Whoever waits for it hears of its failure.
    following.catch(() => undefined);
    this.underWay.add(following);
  }

  private async follow(jobId: string, batch: readonly Source[]): Promise<void> {
    for await (const { event, data } of this.client.follow(jobId)) {
      if (event === 'end' && (data as JobView).state === 'cancelled') {
        throw new TimbreError('ABORTED', `the job ${jobId} was cancelled in the service`);
      }
      if (event !== 'item') continue;
      const { index, result, error } = data as ItemEventView;
      const { speakerId: id, path } = batch[index]!;
      if (error) {
        this.fail(id, path, new TimbreError(isErrorCode(error.code) ? error.code : 'INTERNAL', error.message));
      } else if (result?.duplicate) {
        this.add({ speakerId: id, path, state: 'known' });
      } else if (result) {
        const { enrollmentId, accepted } = result;
        this.add({ speakerId: id, path, state: 'enrolled', enrollmentId, accepted });
      }
    }
  }

  private fail(id: string, path: string, error: TimbreError): void {
    const { code, message } = error;
    this.failed++;
    this.cli.fail(error, path);
    this.add({ speakerId: id, path, state: 'failed', error: { code, message } });
  }

  private add(row: Row): void {
    this.rows.push(row);
    this.progress.update(this.rows.length, { failed: this.failed, resumed: this.known });
  }
}

function report(speakers: readonly SpeakerView[], rows: readonly Row[]): string {
  const of = (state: Row['state']): number => rows.filter((row) => row.state === state).length;
  const rejected = rows.filter((row) => row.state === 'enrolled' && !row.accepted);
  const lines = rows.flatMap((row) => {
    if (row.state === 'failed') return [[row.path, row.error.code]];
    return row.state === 'enrolled' && !row.accepted ? [[row.path, 'REJECTED']] : [];
  });
  const notAccepted = rejected.length > 0 ? ` (${rejected.length} not good enough to count)` : '';
  const sum = `${of('enrolled')} enrolled${notAccepted}, ${of('known')} known already, ${of('failed')} failed`;
  return [...(lines.length > 0 ? [table(lines), ''] : []), ...speakers.map(describeSpeaker), sum].join('\n');
}

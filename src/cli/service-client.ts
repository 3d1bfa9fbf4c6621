import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  TimbreClient,
  type Answer,
  type Arguments,
  type Given as GivenTo,
  type OperationId,
  type Paged,
  type ServiceEvent,
  type Upload,
} from '../client/index.js';
import { TimbreError } from '../errors/timbre-error.js';
import { keyIn, LOCAL_KEY_FILE } from '../support/key-file.js';
import type { Cli } from './cli.js';
import { nameOf, readRecording, type Given } from './recordings.js';
import { dataDirOption, startLocally } from './local-service.js';

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = '3000';

export interface ServiceOptions {
  url?: string;
  keyFile?: string;
  dataDir?: string;
}

/** The options of every command that asks a service. */
export function addServiceOptions(command: Command): Command {
  return command.addOption(urlOption()).addOption(keyFileOption()).addOption(dataDirOption());
}

/** `--url`, of the commands that ask a running service. */
function urlOption(): Option {
  return new Option(
    '--url <url>',
    `the service (default: http:// and EMBEDDING_SERVICE_HOST or ${DEFAULT_HOST}, PORT or ${DEFAULT_PORT})`,
  )
    .env('TIMBRE_URL')
    .argParser((text: string) => {
      if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
        throw new InvalidArgumentError('an address such as http://127.0.0.1:3000 belongs here.');
      }
      return text;
    });
}

/** `--key-file`, of the same; TIMBRE_API_KEY holds the key itself. A key is no argument: arguments are not secret. */
function keyFileOption(): Option {
  return new Option('--key-file <file>', KEY_FILE_MEANS).env('TIMBRE_API_KEY_FILE');
}

const KEY_FILE_MEANS = `file of the API key (default: the key in TIMBRE_API_KEY; on this machine ${LOCAL_KEY_FILE} in the data folder)`;

/**
 * A service as the command line sees it: one that runs, by its address and a key, or one of this process. Errors of every
 * call: the service's own, SERVICE_UNREACHABLE.
 */
export class ServiceClient {
  private base: string;
  private readonly dataDir: string | undefined;
  /** Settles when the service of this process is ready. */
  private local: Promise<void> | undefined;
  private readonly keyFile: string | undefined;
  private key: string | undefined;
  private client: TimbreClient | undefined;

  constructor(
    private readonly cli: Cli,
    { url, keyFile, dataDir }: ServiceOptions,
  ) {
    const { EMBEDDING_SERVICE_HOST: host, PORT: port } = cli.env;
    this.base = (url ?? `http://${host || DEFAULT_HOST}:${port || DEFAULT_PORT}`).replace(/\/+$/, '');
    this.dataDir = dataDir;
    this.keyFile = keyFile;
    // A service of this process, for this command alone, grants a key of its own and knows none of another.
    this.key =
      keyFile === undefined && dataDir === undefined ? cli.env['TIMBRE_API_KEY']?.trim() || undefined : undefined;
  }

  /** Of the service, `http://127.0.0.1:3000`. */
  get address(): string {
    return this.base;
  }

  async call<Id extends OperationId>(operation: Id, ...[given]: Arguments<Id>): Promise<Answer<Id>> {
    const client = await this.connect();
    return this.explained(client.call(operation, ...([given, { signal: this.cli.signal }] as Arguments<Id>)));
  }

  /** The items of a list's pages, at most `limit` of them. */
  async list<Id extends Paged, Item>(
    operation: Id,
    given: GivenTo<Id>,
    itemsOf: (page: Answer<Id>) => readonly Item[],
    limit = Infinity,
  ): Promise<Item[]> {
    const client = await this.connect();
    const found: Item[] = [];
    const read = async (): Promise<Item[]> => {
      for await (const page of client.pages(operation, given, { signal: this.cli.signal })) {
        found.push(...itemsOf(page));
        if (found.length >= limit) break;
      }
      return found.slice(0, limit);
    };
    return this.explained(read());
  }

  /** The events of a job until its end; after a break of the connection they go on. */
  async *follow(jobId: string): AsyncGenerator<ServiceEvent> {
    const client = await this.connect();
    try {
      yield* client.follow(jobId, { signal: this.cli.signal });
    } catch (error) {
      throw this.withAdvice(error);
    }
  }

  private async connect(): Promise<TimbreClient> {
    if (this.dataDir !== undefined) await (this.local ??= this.startLocally(this.dataDir));
    return (this.client ??= new TimbreClient({
      url: this.base,
      key: () => this.loadKey(),
      onRetry: (error, seconds) => this.cli.note(`${error.message}; trying again in ${seconds} s`),
    }));
  }

  private async explained<T>(answer: Promise<T>): Promise<T> {
    return answer.catch((error: unknown) => {
      throw this.withAdvice(error);
    });
  }

  private withAdvice(error: unknown): unknown {
    if (!(error instanceof TimbreError) || error.code !== 'SERVICE_UNREACHABLE') return error;
    const advice = 'start one with `timbre serve`, or name it by --url';
    return new TimbreError('SERVICE_UNREACHABLE', `${error.message}; ${advice}`, { cause: error.cause });
  }

  private async startLocally(dataDir: string): Promise<void> {
    const { url, key } = await startLocally(this.cli, dataDir);
    [this.base, this.key] = [url, key];
  }

  /**
   * The key that was named, or else the local key of a service on this machine; its file is read once.
   * Errors: INVALID_ARGUMENT.
   */
  private async loadKey(): Promise<string | undefined> {
    if (this.key === undefined) {
      const text = this.keyFile === undefined ? await this.localKey() : await this.namedKey(this.keyFile);
      this.key = keyIn(text);
    }
    if (this.key && !/^[\x21-\x7e]+$/.test(this.key)) {
      throw new TimbreError('INVALID_ARGUMENT', 'the API key is not one line of plain text');
    }
    return this.key;
  }

  private namedKey(file: string): Promise<string> {
    return readFile(file, 'utf8').catch((cause: unknown) => {
      throw new TimbreError('INVALID_ARGUMENT', `cannot read the key file: ${(cause as Error).message}`, { cause });
    });
  }

  /** Goes to this machine alone: it opens everything. None where there is no such file, or another user's. */
  private async localKey(): Promise<string> {
    const { hostname } = new URL(this.base);
    if (!/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) return '';
    return readFile(join(this.cli.env['TIMBRE_DATA_DIR'] || 'data', LOCAL_KEY_FILE), 'utf8').catch(() => '');
  }
}

/** A recording for a form. Errors: those of reading it. */
export async function uploadOf(given: Given): Promise<Upload> {
  return { data: await readRecording(given), name: nameOf(given) };
}

import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { isFloat32Array } from 'node:util/types';
import { TimbreError } from '../errors/timbre-error.js';
import { withoutDataUrls } from '../support/data-url.js';
import { printable, printableJson } from '../support/excerpt.js';
import { Progress, type ProgressUnit } from './progress.js';

/** What a command line runs in. */
export interface Surroundings {
  stdout: Writable;
  stderr: Writable & { isTTY?: boolean; columns?: number };
  /** Opened by the first use. */
  stdin: () => Readable & { isTTY?: boolean };
  env: NodeJS.ProcessEnv;
  /** Aborted by SIGINT, SIGTERM, or a reader of stdout that went away. */
  signal: AbortSignal;
}

/** What every command gets: results go to stdout, everything else to stderr. */
export class Cli {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  private firstStatus = 0;
  private bar: Progress | undefined;
  private readonly last: (() => Promise<void>)[] = [];

  constructor(private readonly surroundings: Surroundings) {
    this.env = surroundings.env;
    this.signal = surroundings.signal;
  }

  /** Where recordings come from that are given as `-`. */
  get stdin(): ReturnType<Surroundings['stdin']> {
    return this.surroundings.stdin();
  }

  /** Where a service's log goes. */
  get log(): Surroundings['stderr'] {
    return this.surroundings.stderr;
  }

  /** 0, or the status of the first error. */
  get exitStatus(): number {
    return this.firstStatus;
  }

  /** A piece of a result. */
  write(text: string | Uint8Array): void {
    this.surroundings.stdout.write(text);
  }

  /** A line of a result, or several; what is stored of others' text moves nothing on a terminal. */
  line(text: string): Promise<void> {
    return this.put(printable(text, { breaks: true }));
  }

  /** Resolves when stdout takes more, so that a slow reader never fills the memory. */
  private async put(text: string): Promise<void> {
    const { stdout } = this.surroundings;
    if (stdout.write(`${text}\n`) || stdout.destroyed) return;
    await once(stdout, 'drain', { signal: this.signal }).catch((error: unknown) => {
      if (this.signal.aborted) throw new TimbreError('ABORTED', 'cancelled', { cause: error });
      throw error;
    });
  }

  /** One JSON document. Numbers that JSON lacks (NaN, Infinity) are null. */
  async json(value: unknown): Promise<void> {
    await this.put(printableJson(JSON.stringify(value, plain, 2)));
  }

  /** One object of a stream of JSON lines. */
  async jsonLine(value: unknown): Promise<void> {
    await this.put(printableJson(JSON.stringify(value, plain)));
  }

  /** A line for people, on stderr. */
  note(text: string): void {
    this.bar?.clear();
    this.surroundings.stderr.write(`${printable(text, { breaks: true })}\n`);
  }

  warn(text: string): void {
    this.note(`warning: ${text}`);
  }

  /** Says what went wrong and settles the exit status; the first error decides it. */
  fail(error: unknown, about?: string): void {
    const known = error instanceof TimbreError;
    const message = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.firstStatus ||= known ? error.exitStatus : new TimbreError('INTERNAL', '').exitStatus;
    if (known && error.code === 'ABORTED' && this.signal.aborted) return;
    this.note(
      `${about === undefined ? 'error' : about}: ${withoutDataUrls(message)}${known ? ` (${error.code})` : ''}`,
    );
  }

  /** Settles an exit status that is no error's, unless an error came first. */
  settle(status: number): void {
    this.firstStatus ||= status;
  }

  /** A progress bar on a terminal, a line every few seconds otherwise. */
  progress(title: string, total: number, unit: ProgressUnit): Progress {
    this.bar = new Progress(this.surroundings.stderr, title, total, unit);
    return this.bar;
  }

  /** Runs when the command has ended, whatever came of it. */
  atEnd(work: () => Promise<void>): void {
    this.last.push(work);
  }

  /** Runs what was left for the end. */
  async end(): Promise<void> {
    for (const work of this.last.splice(0)) await work().catch((error: unknown) => this.fail(error));
  }

  /** Waits until the streams have taken everything; not after an abort, when nobody may be reading. */
  async flush(): Promise<void> {
    const { stdout, stderr } = this.surroundings;
    if (this.signal.aborted) return;
    await Promise.all([stdout, stderr].map((stream) => new Promise<void>((done) => stream.write('', () => done()))));
  }
}

/** Typed arrays as plain arrays; float32 with the nine digits that tell any two apart, not with a double's seventeen. */
function plain(_key: string, value: unknown): unknown {
  return isFloat32Array(value) ? Array.from(value, (x) => Number(x.toPrecision(9))) : value;
}

/** A table with aligned columns, for people. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

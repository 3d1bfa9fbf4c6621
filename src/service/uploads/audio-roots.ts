import { Injectable, Logger } from '@nestjs/common';
import { fstatSync, readlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { openBeneath, type OpenFile } from '../../addon/open-beneath.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { isDataUrl } from '../../support/data-url.js';
import { excerpt } from '../../support/excerpt.js';
import { Config } from '../config/config.js';

/** The one folder that recordings may be named in where nothing else is configured. */
const OWN_FOLDER = 'recordings';

/** A file system that does not answer for so long is as good as a file that is not there. */
const OPEN_MS = 10_000;

export interface OpenOptions {
  /** Whether files in the temporary folder may be named too, where no roots are configured: for programs of this machine. */
  temporary?: boolean;
  signal?: AbortSignal | undefined;
}

/** Opens the files of this machine that a request may name, once. */
@Injectable()
export class AudioRoots {
  private readonly logger = new Logger('AudioRoots');

  constructor(private readonly config: Config) {}

  /** Makes the folder that recordings may be named in, where nothing else is configured. */
  async makeOwnFolder(): Promise<void> {
    if (this.config.audioRoots.length > 0) return;
    try {
      await mkdir(OWN_FOLDER, { mode: 0o700 });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST') this.logger.log(`no request can name a recording: ${OWN_FOLDER} cannot be made (${code})`);
    }
  }

  /**
   * The file behind a path, open: it is what is read, hashed and decoded, whatever becomes of its name. To be closed by
   * the caller. Errors: AUDIO_NOT_FOUND with one text whatever the reason, which is for the log; OVERLOADED,
   * DEADLINE_EXCEEDED, ABORTED.
   */
  async open(path: string, { temporary = false, signal }: OpenOptions = {}): Promise<OpenFile> {
    if (isDataUrl(path))
      throw new TimbreError('AUDIO_NOT_FOUND', 'the path is a data: URL; decode its base64 and send the bytes');
    const { audioRoots } = this.config;
    const own = [resolve(OWN_FOLDER), ...(temporary ? [tmpdir()] : [])];
    const folders = { roots: audioRoots.length > 0 ? audioRoots : own, closed: this.closed() };
    const opening = openBeneath(resolve(path), folders);
    try {
      return await settledInTime(opening, signal);
    } catch (thrown) {
      opening.then((late) => late.close()).catch(() => undefined);
      if (thrown instanceof TimbreError && thrown.code === 'AUDIO_NOT_FOUND') this.tell(path, folders.roots, thrown);
      throw thrown;
    }
  }

  /** What no request may name, whatever is configured. */
  private closed(): string[] {
    const { dataDir, uploadDir, modelCacheDir, dataKeyFile, epochFile, calibrationFile } = this.config;
    const keys = [dataKeyFile, `${dataKeyFile}.retired`, epochFile];
    return [dataDir, uploadDir, modelCacheDir, ...keys, calibrationFile, ...LOG_FILES].filter((path) => path !== '');
  }

  private tell(path: string, roots: readonly string[], { cause }: TimbreError): void {
    this.logger.warn({
      path: excerpt(path),
      roots: roots.map((root) => excerpt(root)),
      msg: `a path was refused: ${(cause as Error).message}; AUDIO_ROOTS says which may be named`,
    });
  }
}

/** Files that the service's output goes into. */
const LOG_FILES = [1, 2].flatMap((descriptor) => {
  try {
    return fstatSync(descriptor).isFile() ? [readlinkSync(`/proc/self/fd/${descriptor}`)] : [];
  } catch {
    return [];
  }
});

/** Errors: DEADLINE_EXCEEDED, ABORTED; those of the work. */
function settledInTime<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((done, fail) => {
    const stop = (): void => fail(new TimbreError('ABORTED', 'the caller cancelled the call'));
    const late = (): void => fail(new TimbreError('DEADLINE_EXCEEDED', 'the file system did not answer in time'));
    const timer = setTimeout(late, OPEN_MS);
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    void work.then(done, fail).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    });
  });
}

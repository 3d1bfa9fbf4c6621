import { Injectable, Logger } from '@nestjs/common';
import { realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { Config } from '../config/config.js';
import { TimbreError } from '../../errors/timbre-error.js';

/** Decides which files of this machine a request may name. */
@Injectable()
export class AudioRoots {
  private readonly logger = new Logger('AudioRoots');

  constructor(private readonly config: Config) {}

  /**
   * The file behind a path, every symbolic link resolved. Errors: AUDIO_NOT_FOUND; FORBIDDEN_PATH for what lies outside
   * of the roots, there or not, and then the log says which variable would allow it.
   */
  async resolve(path: string): Promise<string> {
    const [real, ...roots] = await Promise.all([path, ...this.config.audioRoots].map(realpathOf));
    if (real === undefined) {
      // Whether a file outside the roots exists is nobody's business; this one may have been meant to be inside.
      throw new TimbreError('AUDIO_NOT_FOUND', `there is no file ${JSON.stringify(path)}`);
    }
    if (!roots.some((root) => root !== undefined && isBelow(real, root))) {
      this.logger.warn({
        path: real,
        audioRoots: this.config.audioRoots,
        msg: 'a path outside of AUDIO_ROOTS was refused',
      });
      throw new TimbreError('FORBIDDEN_PATH', `${JSON.stringify(path)} lies outside of the folders in AUDIO_ROOTS`);
    }
    if (!(await stat(real)).isFile()) {
      throw new TimbreError('AUDIO_NOT_FOUND', `${JSON.stringify(path)} is no file`);
    }
    return real;
  }
}

async function realpathOf(path: string): Promise<string | undefined> {
  // Missing, unreadable, too long, holding a NUL: in each case there is no file of this name.
  return realpath(path).catch(() => undefined);
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

// The root of an image that is being built.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { which } from '../../setup/commands.mjs';
import { mount } from './commands.mjs';

/** Names the folder of a rehearsal, for the processes that it consists of. */
export const WORK_VARIABLE = 'TIMBRE_REHEARSAL_WORK';

/** Everything of a rehearsal: a file system in memory, in a mount namespace of its own. */
export const WORK = process.env[WORK_VARIABLE] ?? '';

/** Where what other builds have compiled is kept, if it is: nothing comes of it but time. */
const COMPILED = which('ccache', process.env)
  ? { CCACHE_DIR: execFileSync('ccache', ['--get-config', 'cache_dir'], { encoding: 'utf8' }).trim() }
  : {};

/** What was written in a root. @param {string} name */
export function upperOf(name) {
  return path.join(WORK, name, 'upper');
}

/** An overlay over this machine's file system, changed into with chroot. */
export class Root {
  /** @param {string} name */
  constructor(name) {
    this.at = path.join(WORK, name, 'root');
    const upper = upperOf(name);
    const work = path.join(WORK, name, 'work');
    for (const folder of [this.at, upper, work]) mkdirSync(folder, { recursive: true });
    mount('-t', 'overlay', 'overlay', '-o', `lowerdir=/,upperdir=${upper},workdir=${work}`, this.at);
    mount('--rbind', '/dev', path.join(this.at, 'dev'));
    mount('-t', 'proc', 'proc', path.join(this.at, 'proc'));
    mount('-t', 'tmpfs', 'tmpfs', path.join(this.at, 'tmp'));
  }

  /** @param {string} inside */
  path(inside) {
    return path.join(this.at, inside);
  }

  /**
   * What to spawn for a command in here.
   * @param {Pick<import('../dockerfile.mjs').Stage, 'env' | 'workdir' | 'user'>} stage
   * @param {string[]} command
   */
  command({ env, workdir, user }, command) {
    // The build needs this machine's proxies and indexes; the service gets nothing that the image would not give it.
    const clean = user === 'root' ? [] : ['-i'];
    const variables = Object.entries({
      HOME: '/tmp',
      ...(user === 'root' ? COMPILED : { PATH: '/usr/local/bin:/usr/bin:/bin' }),
      ...env,
    }).map(([name, value]) => `${name}=${value}`);
    const become =
      user === 'root' ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--no-new-privs'];
    return ['chroot', this.at, ...become, 'env', ...clean, '-C', workdir, ...variables, ...command];
  }

  /** What was written stays. */
  unmount() {
    execFileSync('umount', ['--recursive', this.at]);
  }
}

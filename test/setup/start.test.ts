import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Longer than any stop takes: what runs then has not heard of it. */
const MOST_MS = 60_000;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-start-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** As from a shell: without what npm and jest tell the programs that they start. */
function environment(): NodeJS.ProcessEnv {
  const clean = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|INIT_CWD|TIMBRE_|MODEL_)/i.test(name));
  return {
    ...Object.fromEntries(clean),
    npm_config_update_notifier: 'false',
    PORT: '0',
    EMBEDDING_SERVICE_PORT: 'off',
    TIMBRE_DATA_DIR: join(folder, 'data'),
    TIMBRE_UPLOAD_DIR: join(folder, 'uploads'),
  };
}

/** Processes that one has started, and those that they have. */
function descendants(of: number): number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name): [number, number][] => {
        try {
          // The program's name stands in parentheses, and may hold any character.
          const [, rest = ''] = /^\d+ \(.*\) \S (.*)/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
          return [[Number(name), Number.parseInt(rest, 10)]];
        } catch {
          return []; // It has ended.
        }
      }),
  );
  const found = [of];
  for (const parent of found) for (const [pid, its] of parents) if (its === parent) found.push(pid);
  return found.slice(1);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s to the process of `npm start` reaches the service, and all of them end',
  async (signal) => {
    const npm = spawn('npm', ['start'], { cwd: ROOT, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const ended = once(npm, 'close');
    let started: number[] = [];
    try {
      const listening = new Promise<void>((resolve, reject) => {
        for (const stream of [npm.stdout, npm.stderr]) {
          stream.setEncoding('utf8').on('data', (text: string) => {
            output += text;
            if (output.includes('the API listens on ')) resolve();
          });
        }
        npm.once('close', () => reject(new Error(`npm start ended:\n${output}`)));
      });
      await listening;
      started = descendants(npm.pid!);
      expect(started.length).toBeGreaterThanOrEqual(2);
      expect(process.kill(npm.pid!, signal)).toBe(true);
      // Its output ends with the last process that has it.
      await Promise.race([ended, setTimeout(MOST_MS, undefined, { ref: false })]);
      expect(output).toMatch(/stopping[\s\S]*stopped/);
      expect(started.filter(isRunning)).toEqual([]);
    } finally {
      for (const pid of [...started, ...descendants(npm.pid!), npm.pid!]) {
        if (isRunning(pid)) process.kill(pid, 'SIGKILL');
      }
      await ended;
    }
  },
  600_000,
);

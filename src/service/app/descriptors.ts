import { readFile } from 'node:fs/promises';

/** Connections, temporary files, recordings that are read, the database and the libraries behind the model. */
const LEAST = 1024;

/**
 * What to say where the process may have few files and connections open; null where it may have enough. `limits`: as
 * /proc/self/limits has them.
 */
export function fewDescriptors(limits: string): string | null {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  if (soft === undefined || Number(soft) >= LEAST) return null;
  return (
    `this process may have ${soft} files and connections open, which is few: beyond, connections and uploads fail with ` +
    `EMFILE; start it with \`ulimit -n ${4 * LEAST}\`, or LimitNOFILE=${4 * LEAST} in its systemd unit`
  );
}

/** The same of this process; null too where the system does not tell. */
export async function ownFewDescriptors(): Promise<string | null> {
  return fewDescriptors(await readFile('/proc/self/limits', 'utf8').catch(() => ''));
}

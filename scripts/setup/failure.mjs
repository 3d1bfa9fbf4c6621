// Failures as a person can use them: what is wrong, and what to do about it.

/** Ends a script with exit status 1, its message and its remedy; never with a stack trace. */
export class Failure extends Error {
  /**
   * @param {string} message what is wrong
   * @param {string} remedy what to do
   */
  constructor(message, remedy) {
    super(message);
    this.name = 'Failure';
    this.remedy = remedy;
  }
}

const MORE_DISK = 'Free some space (a complete set-up takes about 2 GB), then run the same command again.';
const MORE_RIGHTS = 'Give the folder to the user who runs this (chown), then run the same command again.';

/** Causes that can be told from what a tool printed, most specific first. */
const CAUSES = [
  {
    sign: /ENOSPC|No space left on device|disk quota exceeded/i,
    message: 'the disk is full',
    remedy: MORE_DISK,
  },
  {
    sign: /do not match the hashes|EINTEGRITY|Hash Sum mismatch/i,
    message: 'a download is not what it should be (its checksum differs)',
    remedy:
      'Run the same command again. If it happens again, the mirror or proxy in use alters its files: use another.',
  },
  {
    sign: /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|name resolution|Could not resolve|Network is unreachable|Failed to establish a new connection|Connection refused|Read timed out|ConnectTimeout|Failed to fetch|Unable to fetch|No matching distribution found|Could not connect/i,
    message: 'a package registry cannot be reached',
    remedy:
      'Connect to the network, or name a mirror or proxy: PIP_INDEX_URL or PIP_FIND_LINKS for Python, ' +
      '`npm config set registry` for npm, HTTPS_PROXY for both. Then run the same command again.',
  },
  {
    sign: /internal compiler error: Killed|signal terminated program cc1plus|fatal error: Killed|virtual memory exhausted|Cannot allocate memory|ENOMEM/i,
    message: 'memory ran out',
    remedy: 'Compile fewer files at once: TIMBRE_JOBS=1 in front of the same command.',
  },
  {
    sign: /EACCES|EPERM|EROFS|Permission denied|Read-only file system/i,
    message: 'a file may not be written',
    remedy: MORE_RIGHTS,
  },
];

/**
 * The cause that `output` gives away.
 * @param {string} output what a tool printed
 * @returns {Failure | undefined}
 */
export function recognise(output) {
  const cause = CAUSES.find(({ sign }) => sign.test(output));
  return cause && new Failure(cause.message, cause.remedy);
}

/**
 * Any error as a Failure.
 * @param {unknown} error
 * @returns {Failure}
 */
export function explain(error) {
  if (error instanceof Failure) return error;
  const text = error instanceof Error ? error.message : String(error);
  const known = recognise(text);
  if (known) return new Failure(`${known.message} (${text})`, known.remedy);
  return new Failure(
    `this script met something it does not know: ${text}`,
    'Run it again with TIMBRE_DEBUG=1 to see where, and please report it.',
  );
}

/**
 * Prints a failure and makes the process exit with status 1.
 * @param {unknown} error
 * @param {string} what the activity that failed
 */
export function fail(error, what) {
  const failure = explain(error);
  process.stderr.write(`\n${what} failed: ${failure.message}\n${failure.remedy.replace(/^/gm, '  ')}\n`);
  if (process.env['TIMBRE_DEBUG']) process.stderr.write(`\n${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
}

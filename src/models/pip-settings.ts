import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TimbreError } from '../errors/timbre-error.js';
import { isMissing } from '../support/files.js';

/** Where pip would look for packages, and the certificates that it would trust. */
export interface PipSettings {
  /** Addresses of indexes, each with a page per package; in pip's order. */
  indexes: string[];
  /** Addresses of pages with links to files of any package. */
  links: string[];
  /** File of the certificates to trust instead of the usual ones. */
  cert?: string;
}

/** Prints the index that pip uses where nothing is configured. */
const PRINT_DEFAULT_INDEX = 'from pip._internal.models.index import PyPI; print(PyPI.simple_url)';
const ASKING_PIP_MS = 10_000;
/** Sections of a configuration file that count for a download, the later before the earlier. */
const SECTIONS = ['global', 'download'];

/**
 * The package index of pip's configuration: the variables PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS,
 * PIP_NO_INDEX and PIP_CERT, then the files that pip reads (system, user, virtual environment, PIP_CONFIG_FILE). Where
 * none of them names an index, pip itself is asked for its default, and there is no index without pip. Only addresses
 * over HTTP are given; folders are left out. Errors: INVALID_ARGUMENT for a configuration file that cannot be read.
 */
export async function pipSettings(env: NodeJS.ProcessEnv = process.env): Promise<PipSettings> {
  const values = new Map<string, string>();
  for (const file of configurationFiles(env)) {
    for (const [key, value] of parse(await textOf(file, file === env['PIP_CONFIG_FILE']))) values.set(key, value);
  }
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith('PIP_') && value) values.set(optionOf(name.slice('PIP_'.length)), value);
  }
  const addresses = (option: string): string[] =>
    (values.get(option) ?? '').split(/\s+/).filter((address) => /^https?:\/\//.test(address));
  const noIndex = /^(1|true|yes|on|y|t)$/i.test(values.get('no-index') ?? '');
  const cert = values.get('cert');
  const first = async (): Promise<string[]> =>
    values.has('index-url') ? addresses('index-url') : await defaultIndexes(env);
  return {
    indexes: noIndex ? [] : [...(await first()), ...addresses('extra-index-url')],
    links: addresses('find-links'),
    ...(cert !== undefined && { cert }),
  };
}

/** The default of the pip on this machine; none where there is no Python 3 with pip. */
async function defaultIndexes(env: NodeJS.ProcessEnv): Promise<string[]> {
  const options = { env: { PATH: env['PATH'] ?? process.env['PATH'] }, timeout: ASKING_PIP_MS };
  try {
    const { stdout } = await promisify(execFile)('python3', ['-I', '-c', PRINT_DEFAULT_INDEX], options);
    return [stdout.trim()].filter((address) => /^https?:\/\//.test(address));
  } catch {
    // Without Python, or where a pip keeps its default elsewhere: an index has to be configured, and the error says so.
    return [];
  }
}

/** In the order in which they are read; the later ones win. */
function configurationFiles(env: NodeJS.ProcessEnv): string[] {
  const own = env['PIP_CONFIG_FILE'];
  if (own === '/dev/null') return [];
  const home = env['HOME'] || homedir();
  const folders = (env['XDG_CONFIG_DIRS'] || '/etc/xdg').split(':').filter((folder) => folder !== '');
  const environment = env['VIRTUAL_ENV'];
  return [
    ...folders.map((folder) => join(folder, 'pip', 'pip.conf')),
    '/etc/pip.conf',
    join(home, '.pip', 'pip.conf'),
    join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'pip', 'pip.conf'),
    ...(environment ? [join(environment, 'pip.conf')] : []),
    ...(own ? [own] : []),
  ];
}

/** A file that is not there is empty, unless it was named. */
async function textOf(file: string, named: boolean): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error) && !named) return '';
    throw new TimbreError('INVALID_ARGUMENT', `cannot read pip's configuration ${file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Options of the sections that count, as Python's configparser reads them: a line that is indented continues one. */
function parse(text: string): Map<string, string> {
  const sections = new Map(SECTIONS.map((name) => [name, new Map<string, string>()]));
  let section: Map<string, string> | undefined;
  let option: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([#;].*)?$/.test(line)) continue;
    const header = /^\[([^\]]*)\]/.exec(line);
    const assignment = /^(\S[^=:]*?)\s*[=:]\s*(.*)$/.exec(line);
    if (header) {
      section = sections.get(header[1]!);
      option = undefined;
    } else if (/^\s/.test(line) && option !== undefined) {
      section?.set(option, `${section.get(option) ?? ''} ${line.trim()}`.trim());
    } else if (assignment) {
      option = optionOf(assignment[1]!);
      section?.set(option, assignment[2]!.trim());
    }
  }
  return new Map([...sections.values()].flatMap((one) => [...one]));
}

function optionOf(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

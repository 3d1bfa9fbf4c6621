import { Option, type Command } from 'commander';
import { TimbreError } from '../errors/timbre-error.js';
import type { DataReport } from '../service/app/command-line.js';
import { Config } from '../service/config/config.js';
import { table, type Cli } from './cli.js';
import { examine, type Finding } from './findings.js';
import { service } from './local-service.js';

interface Options {
  dataDir?: string;
  audio?: true;
  json?: true;
}

export function register(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description('what is installed, found and missing, with the remedy for what is missing; or what is stored')
    .addOption(
      new Option('--data-dir <dir>', 'compare everything stored in this folder with what the service has written'),
    )
    .option('--audio', 'with --data-dir: open all audio that is kept, which reads every byte of it')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
With --data-dir: reads the database and its key (TIMBRE_DATA_KEY_FILE, TIMBRE_DATA_KEY), changes nothing; the service may
be running. Every speaker, consent, enrolment, profile, kept recording, unknown voice, saved calibration, webhook and API key, the audit
trail entry by entry, and whether the database is as new as it was. Of kept audio it is looked whether it is there and as long as its record says;
with --audio it is opened, too.

Exit status: 1 when something that is needed is missing, or a record is not as the service wrote it.

Examples:
  timbre doctor
  timbre doctor --data-dir /var/lib/timbre --json
  timbre doctor --data-dir /var/lib/timbre --audio`,
    )
    .action((options: Options) => {
      const { dataDir, audio } = options;
      if (dataDir !== undefined) return examineStored(cli, dataDir, options);
      if (audio)
        throw new TimbreError('INVALID_ARGUMENT', '--audio is of stored data: name its folder with --data-dir');
      return examineInstallation(cli, options);
    });
}

async function examineInstallation(cli: Cli, { json }: Options): Promise<void> {
  const findings = await examine(cli.env);
  const healthy = findings.every(({ status }) => status !== 'missing');
  if (json) await cli.json({ healthy, findings });
  else await cli.line(report(findings));
  if (!healthy) cli.settle(1);
}

async function examineStored(cli: Cli, dataDir: string, { json, audio }: Options): Promise<void> {
  const { examineData } = await service();
  const found = await examineData(Config.of({ dataDir }, cli.env), { signal: cli.signal, openAudio: audio === true });
  if (json) await cli.json(found);
  else await cli.line(describeData(found));
  if (!found.sound) cli.settle(1);
}

const MARKS: Record<Finding['status'], string> = { ok: 'ok', note: '-', missing: 'MISSING' };

function report(findings: readonly Finding[]): string {
  const rows = findings.map(({ status, name, value }) => [MARKS[status], name, value]);
  const remedies = findings
    .filter(({ remedy }) => remedy !== undefined)
    .map(({ name, remedy }) => `${name}: ${remedy}`);
  return [table(rows), ...remedies.map((line) => `\n${line}`)].join('\n');
}

const EPOCHS: Record<DataReport['epoch']['state'], string> = {
  current: 'as new as it was',
  'rolled back': 'older than it was',
  'no mark': 'the epoch file is missing',
  'another database': 'the epoch file is of another database',
  unreadable: 'the epoch file does not open with the data key',
};

function describeData({ records, trail, epoch, audio, vectors, ...found }: DataReport): string {
  const mark = (wrong: boolean): string => (wrong ? 'WRONG' : 'ok');
  const ofAudio = (what: string): boolean => what.startsWith('audio');
  const rows = Object.entries(records).map(([kind, count]) => {
    const wrong = found.findings.filter((one) => one.kind === kind && !ofAudio(one.what)).length;
    return [mark(wrong > 0), `${kind} records`, wrong > 0 ? `${count}, not as written: ${wrong}` : `${count}`];
  });
  const wrongAudio = found.findings.filter(({ what }) => ofAudio(what)).length;
  const looked = audio.opened === null ? 'there, of the right length' : `opened: ${audio.opened}`;
  rows.push([mark(wrongAudio > 0), 'audio of recordings', wrongAudio > 0 ? `wrong: ${wrongAudio}` : looked]);
  if (audio.unnamedCount > 0) {
    rows.push(['-', 'audio that no record names', `${audio.unnamedCount}; the service removes it while it runs`]);
  }
  const missing = found.missing.reduce((sum, one) => sum + one.records, 0);
  rows.push([
    mark(missing + found.missingSpeakers > 0),
    'records that are missing',
    `${missing + found.missingSpeakers}`,
  ]);
  rows.push([mark(found.registerBroken.length > 0), 'register', found.registerBroken.join(', ') || 'whole']);
  rows.push([
    mark(trail.findingsCount > 0),
    'audit trail',
    `${trail.entries} entries, findings: ${trail.findingsCount}`,
  ]);
  rows.push([mark(epoch.state !== 'current'), 'epoch', EPOCHS[epoch.state]]);
  if (vectors) {
    const { rows: all, due, missing: lost, wrong } = vectors;
    const text = `${all}, to be filled in: ${due}, missing: ${lost}, not those of the profiles: ${wrong}`;
    rows.push([mark(lost + wrong > 0), 'vectors that PostgreSQL searches', text]);
  }
  const lines = found.findings.map(({ kind, speakerId, id, what }) => {
    const whose = [kind, ...(speakerId === null ? [] : [`of ${speakerId}`]), id ?? ''].join(' ').trim();
    return ofAudio(what) ? `${what}: ${whose}` : `${what} ${whose}`;
  });
  for (const { speakerId, records: count } of found.missing) {
    lines.push(
      `missing ${speakerId === null ? 'records of no speaker (API keys, calibrations, voices)' : `records of ${speakerId}`}: ${count}`,
    );
  }
  if (found.missingSpeakers > 0) lines.push(`missing speakers: ${found.missingSpeakers}`);
  for (const { what, first, last } of trail.findings) {
    lines.push(`${what} entry ${first === last ? `${first}` : `${first} to ${last}`} of the audit trail`);
  }
  if (found.findingsCount > found.findings.length) lines.push(`${found.findingsCount} findings in all`);
  return [table(rows), ...(lines.length > 0 ? ['', ...lines] : [])].join('\n');
}

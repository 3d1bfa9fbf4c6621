import { Option, type Command } from 'commander';
import type { ProfileView } from '../service/enrollments/enrollments.dto.js';
import { TimbreError } from '../errors/timbre-error.js';
import type { ExportView } from '../service/privacy/export.dto.js';
import type { SpeakerView } from '../service/speakers/speakers.dto.js';
import { table, type Cli } from './cli.js';
import { addConsentOptions, consentOf, type ConsentOptions } from './consent-options.js';
import { describeSpeaker } from './describe-speaker.js';
import { entry, groupsOption, whole } from './options.js';
import { addServiceOptions, ServiceClient, type ServiceOptions } from './service-client.js';

interface Options extends ServiceOptions {
  json?: true;
}

interface Search {
  limit?: number;
  group?: string;
  id?: string;
  name?: string;
  meta?: string;
}

/** `false`: none. */
interface Description {
  group?: string[] | false;
  meta?: Record<string, string> | false;
}

const PAGE = 500;

export function register(program: Command, cli: Cli): void {
  const speakers = program
    .command('speakers')
    .description('who is enrolled in a running service')
    .addHelpText('after', '\nExample:\n  timbre speakers list');
  const add = (name: string, description: string, example: string): Command =>
    addServiceOptions(speakers.command(name).description(description))
      .option('--json', 'one JSON document')
      .addHelpText('after', `\nExample:\n  timbre speakers ${example}`);

  add('list', 'speakers, oldest first, or those that are looked for', 'list --group household-7 --json')
    .option('--group <id>', 'members of this group')
    .option('--id <beginning>', 'those whose id begins so')
    .option('--name <beginning>', 'those whose name begins so, in any case')
    .option('--meta <key=value>', 'those with this entry of metadata')
    .addOption(new Option('--limit <n>', 'at most so many').argParser(whole(1, 1_000_000)))
    .action(async (options: Options & Search) => {
      const { limit = Infinity, group, id, name, meta: metadata } = options;
      const search = {
        ...(group !== undefined && { group }),
        ...(id !== undefined && { id }),
        ...(name !== undefined && { name }),
        ...(metadata !== undefined && { metadata }),
      };
      const found = await list(new ServiceClient(cli, options), search, limit);
      if (options.json) return cli.json(found);
      for (const speaker of found) await cli.line(describeSpeaker(speaker));
      if (found.length > 0) return;
      cli.note(Object.keys(search).length > 0 ? 'nobody' : 'nobody yet: timbre enroll <speaker> <recordings...>');
    });

  add('show', 'a speaker and the voice profile', 'show ada')
    .argument('<speaker>', "the speaker's id")
    .action(async (id: string, options: Options) => {
      const client = new ServiceClient(cli, options);
      const speaker = await client.call('getSpeaker', { id });
      const profile = await client.call('getProfile', { id });
      if (options.json) await cli.json({ ...speaker, profile });
      else await cli.line(report(speaker, profile));
    });

  addConsentOptions(
    add('add', 'add a speaker without recordings', 'add ada --name "Ada Lovelace"')
      .argument('[speaker]', 'the id (default: a UUID)')
      .option('--name <name>', 'for people')
      .addOption(groupsOption('the speaker'))
      .addOption(new Option('--meta <key=value>', 'an entry of metadata; repeat for several').argParser(entry)),
    "the speaker's",
  ).action(async (id: string | undefined, options: Options & ConsentOptions & Description & { name?: string }) => {
    const { name } = options;
    const consent = consentOf(options);
    const json = {
      ...(id !== undefined && { id }),
      ...(name !== undefined && { name }),
      ...description(options),
      ...(consent && { consent }),
    };
    const speaker = await new ServiceClient(cli, options).call('createSpeaker', { json });
    if (options.json) await cli.json(speaker);
    else await cli.line(speaker.id);
  });

  add('rename', 'give a speaker another name', 'rename ada "Ada King"')
    .argument('<speaker>', "the speaker's id")
    .argument('<name>', 'for people')
    .action(async (id: string, name: string, options: Options) => {
      const speaker = await new ServiceClient(cli, options).call('updateSpeaker', { id, json: { name } });
      if (options.json) await cli.json(speaker);
      else cli.note(`${speaker.id} is called ${speaker.name ?? ''}`);
    });

  add('set', 'the groups and the metadata of a speaker, in the place of those before', 'set ada --group household-7')
    .argument('<speaker>', "the speaker's id")
    .addOption(groupsOption('the speaker'))
    .option('--no-group', 'no group')
    .addOption(new Option('--meta <key=value>', 'an entry of metadata; repeat for several').argParser(entry))
    .option('--no-meta', 'no metadata')
    .action(async (id: string, options: Options & Description) => {
      const speaker = await new ServiceClient(cli, options).call('updateSpeaker', { id, json: description(options) });
      if (options.json) await cli.json(speaker);
      else cli.note(`${speaker.id} belongs to ${speaker.groups.join(', ') || 'no group'}`);
    });

  add(
    'consent',
    "record the speaker's consent",
    'consent ada --by "Ada Lovelace" --how "signed form" --text privacy-2026',
  )
    .argument('<speaker>', "the speaker's id")
    .option('--by <who>', 'who gave it (default: the speaker)')
    .requiredOption('--how <method>', 'how it was given')
    .requiredOption('--text <version>', 'which text was agreed to')
    .option('--at <time>', 'when, ISO 8601 (default: now)')
    .action(async (id: string, options: Options & { by?: string; how: string; text: string; at?: string }) => {
      const { by: givenBy, how: method, text: textVersion, at } = options;
      const json = {
        method,
        textVersion,
        ...(givenBy !== undefined && { givenBy }),
        ...(at !== undefined && { givenAt: at }),
      };
      const consent = await new ServiceClient(cli, options).call('giveConsent', { id, json });
      if (options.json) await cli.json(consent);
      else cli.note(`the consent of ${id} is recorded`);
    });

  add('opt-out', 'withdraw consent: the speaker is not enrolled or matched any more', 'opt-out ada')
    .argument('<speaker>', "the speaker's id")
    .action(async (id: string, options: Options) => {
      const consent = await new ServiceClient(cli, options).call('withdrawConsent', { id });
      if (options.json) await cli.json(consent);
      else cli.note(`${id} has opted out; what is stored stays until \`timbre speakers remove ${id}\``);
    });

  add('export', 'everything that is stored about a speaker, as one JSON document', 'export ada > ada.json')
    .argument('<speaker>', "the speaker's id")
    .option('--vectors', 'with the voice embeddings: whoever has them can recognise the voice')
    .option('--lines', 'what `timbre import` reads instead, with --vectors')
    .action(async (id: string, options: Options & { vectors?: true; lines?: true }) => {
      if (options.lines && !options.vectors) throw new TimbreError('INVALID_ARGUMENT', '--lines needs --vectors');
      const given = { id, ...(options.vectors && { vectors: 'true' as const }) };
      const exported = await new ServiceClient(cli, options).call('exportSpeaker', given);
      if (!options.lines) return cli.json(exported);
      for (const line of linesOf(exported)) await cli.jsonLine(line);
    });

  add('remove', 'erase a speaker for good, with all recordings and profiles', 'remove ada')
    .argument('<speaker>', "the speaker's id")
    .action(async (id: string, options: Options) => {
      const receipt = await new ServiceClient(cli, options).call('eraseSpeaker', { id });
      if (options.json) await cli.json(receipt);
      else {
        await cli.line(receipt.receipt);
        cli.note(`${id} is erased; this is the receipt, which \`timbre speakers receipt\` checks`);
      }
    });

  add('receipt', 'check the receipt of an erasure', 'receipt 7d0b5f7e-6a52-...')
    .argument('<receipt>', 'what the erasure gave')
    .action(async (id: string, options: Options) => {
      const found = await new ServiceClient(cli, options).call('checkReceipt', { id });
      if (options.json) return cli.json(found);
      const pending = found.traces === 'DATABASE' ? "PostgreSQL's own" : 'pending: wiped soon';
      const traces = found.wipedAt === null ? pending : `wiped ${found.wipedAt}`;
      const rows = [
        ['receipt', found.receipt],
        ['erased', `${found.erasedAt} by ${found.by}`],
        ['traces', traces],
        ['remains', found.remains === 0 ? 'nothing' : 'the speaker is there again: erase again'],
      ];
      await cli.line(table(rows));
    });
}

function list(client: ServiceClient, search: Record<string, string>, limit: number): Promise<SpeakerView[]> {
  const given = { limit: Math.min(PAGE, limit), ...search };
  return client.list('listSpeakers', given, ({ speakers }) => speakers, limit);
}

function description({ group, meta }: Description): { groups?: string[]; metadata?: Record<string, string> } {
  return {
    ...(group !== undefined && { groups: group || [] }),
    ...(meta !== undefined && { metadata: meta || {} }),
  };
}

/** The recordings that count, as `timbre import` reads them; the consent that stands with the first. */
function linesOf({ speaker, consent, enrollments }: ExportView): object[] {
  const counting = enrollments.filter(({ setAside, embedding }) => setAside === null && embedding);
  return counting.map(({ embedding, model, speech, createdAt, sha256, filename, audio, quality }, i) => {
    const { snrDb, clippedShare, bandwidthHz, levelDb } = quality;
    const { seconds: audioSeconds, sampleRate, channels } = audio;
    const given = i === 0 && consent.status === 'GIVEN' && consent.consent;
    return {
      speaker: speaker.id,
      ...(speaker.name === null ? {} : { name: speaker.name }),
      ...(given
        ? {
            consent: {
              givenBy: given.givenBy,
              method: given.method,
              textVersion: given.textVersion,
              givenAt: given.givenAt,
            },
          }
        : {}),
      vector: embedding,
      model,
      speechSeconds: speech.seconds,
      when: createdAt,
      sha256,
      ...(filename === null ? {} : { filename }),
      // Of what was imported without, nothing is known.
      ...(sampleRate === 0
        ? {}
        : { measures: { audioSeconds, sampleRate, channels, snrDb, clippedShare, bandwidthHz, levelDb } }),
    };
  });
}

function report(speaker: SpeakerView, profile: ProfileView): string {
  const { cohesion, recordings, outliers, model } = profile;
  return table([
    ['id', speaker.id],
    ['name', speaker.name ?? '-'],
    ['groups', speaker.groups.join(', ') || '-'],
    ...Object.entries(speaker.metadata),
    ['status', describeSpeaker(speaker).slice(speaker.id.length + 2)],
    ['recordings', `${recordings.length} accepted, ${outliers.length} of them set aside`],
    ['cohesion', cohesion === null ? '-' : cohesion.toFixed(3)],
    ['model', model],
    ['updated', speaker.updatedAt],
  ]);
}

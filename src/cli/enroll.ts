import type { Command } from 'commander';
import { TimbreError } from '../errors/timbre-error.js';
import type { EnrolledView } from '../service/enrollments/enrollments.dto.js';
import type { SpeakerView } from '../service/speakers/speakers.dto.js';
import { table, type Cli } from './cli.js';
import { addConsentOptions, consentOf, type Consent, type ConsentOptions } from './consent-options.js';
import { describeSpeaker } from './describe-speaker.js';
import { enrolFolders } from './enroll-folders.js';
import { channelOption, groupsOption, partFields, trackOption, type PartOptions } from './options.js';
import { findRecordings, type Given } from './recordings.js';
import { addServiceOptions, ServiceClient, uploadOf, type ServiceOptions } from './service-client.js';

interface Options extends ServiceOptions, ConsentOptions, PartOptions {
  name?: string;
  group?: string[];
  json?: true;
  fromFolders?: string;
  oneVoice?: true;
}

/** What came of one file; the service's view of it, or why there is none. */
type Row = { path: string } & (
  | { duplicate: boolean; enrollment: Extract<EnrolledView['results'][number], { duplicate: boolean }>['enrollment'] }
  | { error: { code: string; message: string } }
);

export function register(program: Command, cli: Cli): void {
  addConsentOptions(addServiceOptions(program.command('enroll')), "the speaker's, or everybody's,")
    .description("add recordings to a speaker's voice profile; a speaker who is not there is added")
    .argument('[speaker]', "the speaker's id")
    .argument('[path...]', 'recordings, or folders that are searched for them; - is standard input')
    .option('--name <name>', 'name of a speaker who is added')
    .addOption(groupsOption('a speaker who is added'))
    .option('--from-folders <dir>', "many speakers instead: a folder of each in this one, named by the speaker's id")
    .addOption(channelOption(false))
    .addOption(trackOption())
    .option('--one-voice', 'refuse a recording in which more than one voice speaks')
    .option('--json', 'one JSON document: { speaker, results }')
    .addHelpText(
      'after',
      `
A recording that fails does not stop the others; the exit status is then that of the first such error.
Folders go as jobs of the service; run again, the command sends only what is not there yet.
A consent is recorded for speakers who have none; who has withdrawn theirs stays out.

Examples:
  timbre enroll ada ada-1.wav ada-2.wav --name "Ada Lovelace"
  timbre enroll --from-folders recordings --consent-text privacy-2026 --consent-how "signed form"`,
    )
    .action(async (id: string | undefined, paths: string[], options: Options) => {
      if (options.fromFolders !== undefined) {
        if (id !== undefined || options.name !== undefined || options.group !== undefined) {
          throw new TimbreError(
            'INVALID_ARGUMENT',
            'with --from-folders the folders name the speakers; name no other, and no group',
          );
        }
        if (options.channel !== undefined || options.track !== undefined || options.oneVoice) {
          throw new TimbreError(
            'INVALID_ARGUMENT',
            '--channel, --track and --one-voice are for recordings that are named one by one',
          );
        }
        const { fromFolders, json = false } = options;
        await enrolFolders(cli, new ServiceClient(cli, options), fromFolders, { json, consent: consentOf(options) });
        return;
      }
      if (id === undefined || paths.length === 0) {
        throw new TimbreError('INVALID_ARGUMENT', 'give a speaker and recordings, or --from-folders with a folder');
      }
      const files = await findRecordings(cli, paths);
      const client = new ServiceClient(cli, options);
      await ensureSpeaker(cli, client, id, options, consentOf(options));
      const fields = { ...partFields(options), ...(options.oneVoice && { oneVoice: 'true' }) };
      const rows = await enrolAll(cli, client, id, files, fields);
      const speaker = await client.call('getSpeaker', { id });
      if (options.json) await cli.json({ speaker, results: rows });
      else await cli.line(report(speaker, rows));
    });
}

async function ensureSpeaker(
  cli: Cli,
  client: ServiceClient,
  id: string,
  { name, group: groups }: Pick<Options, 'name' | 'group'>,
  consent: Consent | undefined,
): Promise<void> {
  try {
    const { consentStatus } = await client.call('getSpeaker', { id });
    if (consent && consentStatus === 'NOT_RECORDED') await client.call('giveConsent', { id, json: consent });
  } catch (error) {
    if (!(error instanceof TimbreError) || error.code !== 'SPEAKER_NOT_FOUND') throw error;
    const json = { id, ...(name !== undefined && { name }), ...(groups && { groups }), ...(consent && { consent }) };
    await client.call('createSpeaker', { json });
    cli.note(`${id} is a new speaker`);
  }
}

/** One file a request: what is acknowledged is stored, wherever the work is cut short. */
async function enrolAll(
  cli: Cli,
  client: ServiceClient,
  id: string,
  files: readonly Given[],
  fields: Record<string, string>,
): Promise<Row[]> {
  const rows: Row[] = [];
  const progress = files.length > 1 ? cli.progress('enrolling', files.length, 'files') : undefined;
  try {
    for (const file of files) {
      rows.push(await enrolOne(cli, client, id, file, fields));
      progress?.update(rows.length, { failed: rows.filter((row) => 'error' in row).length });
    }
  } finally {
    progress?.stop();
  }
  return rows;
}

async function enrolOne(
  cli: Cli,
  client: ServiceClient,
  id: string,
  given: Given,
  fields: Record<string, string>,
): Promise<Row> {
  const { path } = given;
  try {
    const { results } = await client.call('enrol', { id, form: { audio: [await uploadOf(given)], ...fields } });
    const [result] = results;
    if (!result || 'error' in result) throw new TimbreError('INTERNAL', 'the service gave no result for a recording');
    return { path, duplicate: result.duplicate, enrollment: result.enrollment };
  } catch (error) {
    // What concerns the recording concerns no other; anything else would only come again.
    if (
      !(error instanceof TimbreError) ||
      !/^(AUDIO_|NO_SPEECH|CHANNELS_DIFFER|SEVERAL_VOICES|DECODER_FAILED|INFERENCE_FAILED)/.test(error.code)
    )
      throw error;
    cli.fail(error, path);
    return { path, error: { code: error.code, message: error.message } };
  }
}

function report(speaker: SpeakerView, rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    if ('error' in row) return [row.path, row.error.code, ''];
    const { enrollment, duplicate } = row;
    const verdict = enrollment.accepted ? (enrollment.outlier ? 'OUTLIER' : enrollment.quality.label) : 'REJECTED';
    const { missingSpeechSeconds: missing } = enrollment;
    const reasons = enrollment.reasons.map((reason) =>
      reason === 'TOO_LITTLE_SPEECH' && missing !== null ? `${reason}: ${missing.toFixed(1)} s more needed` : reason,
    );
    const remarks = [...reasons, ...(duplicate ? ['known already'] : [])].join(', ');
    return [row.path, verdict, `${enrollment.speech.seconds.toFixed(1)} s of speech${remarks && `, ${remarks}`}`];
  });
  return `${table(lines)}\n\n${describeSpeaker(speaker)}`;
}

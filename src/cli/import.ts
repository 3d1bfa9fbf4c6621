import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import type { Given } from '../client/index.js';
import { TimbreError } from '../errors/timbre-error.js';
import type { Cli } from './cli.js';
import { addServiceOptions, ServiceClient, type ServiceOptions } from './service-client.js';

type GivenVector = Given<'importVectors'>['json']['vectors'][number];
type Consent = NonNullable<Given<'putSpeaker'>['json']['consent']>;

/** One line of the file. */
interface Line extends Omit<GivenVector, 'at'> {
  speaker: string;
  when?: string;
  name?: string;
  consent?: Consent;
}

const FIELDS = [
  'speaker',
  'vector',
  'model',
  'speechSeconds',
  'when',
  'name',
  'consent',
  'sha256',
  'filename',
  'measures',
];

/** Bytes of one request: a body that is no recording has 64 KiB at most. */
const BATCH_BYTES = 48 * 1024;
const BATCH_VECTORS = 100;

interface Batch {
  speaker: string;
  name: string | undefined;
  consent: Consent | undefined;
  vectors: GivenVector[];
  bytes: number;
  /** First line, from 1. */
  line: number;
}

export function register(program: Command, cli: Cli): void {
  addServiceOptions(
    program
      .command('import')
      .description('bring voice vectors along that were made with the model in use: one JSON object a line')
      .argument(
        '<file>',
        'speaker, vector, model, speechSeconds; optional when, name, consent, sha256, filename, measures',
      ),
  )
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  timbre import voices.jsonl')
    .action(async (file: string, options: ServiceOptions & { json?: true }) => {
      const client = new ServiceClient(cli, options);
      const total = { vectors: 0, added: 0, known: 0, notAccepted: 0 };
      const speakers = new Set<string>();
      for await (const { speaker: id, name, consent, vectors, line } of batches(file)) {
        try {
          if (!speakers.has(id) || consent) {
            await client.call('putSpeaker', { id, json: { ...(name && { name }), ...(consent && { consent }) } });
          }
          const { results } = await client.call('importVectors', { id, json: { vectors } });
          speakers.add(id);
          total.vectors += results.length;
          total.known += results.filter(({ duplicate }) => duplicate).length;
          total.notAccepted += results.filter(({ accepted }) => !accepted).length;
          total.added = total.vectors - total.known;
        } catch (error) {
          if (!(error instanceof TimbreError)) throw error;
          const from = `${file}, from line ${line} on (speaker ${JSON.stringify(id)})`;
          throw new TimbreError(error.code, `${from}: ${error.message}`, { cause: error });
        }
      }
      const report = { speakers: speakers.size, ...total };
      if (options.json) await cli.json(report);
      else {
        cli.note(
          `${total.added} vectors of ${speakers.size} speakers are imported, ${total.known} were there, ` +
            `${total.notAccepted} are too short or of too low quality to count`,
        );
      }
    });
}

/** Lines of one speaker that follow each other, as many as a request takes. Errors: INVALID_ARGUMENT. */
async function* batches(file: string): AsyncGenerator<Batch> {
  let batch: Batch | undefined;
  let number = 0;
  const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity });
  try {
    for await (const text of lines) {
      number++;
      if (text.trim() === '') continue;
      const { speaker, when, name, consent, ...vector } = parse(text, `${file}, line ${number}`);
      const full =
        batch &&
        (batch.speaker !== speaker ||
          consent !== undefined ||
          batch.bytes + text.length > BATCH_BYTES ||
          batch.vectors.length === BATCH_VECTORS);
      if (batch && full) {
        yield batch;
        batch = undefined;
      }
      batch ??= { speaker, name, consent, vectors: [], bytes: 0, line: number };
      batch.vectors.push({ ...vector, ...(when !== undefined && { at: when }) });
      batch.bytes += text.length;
    }
  } catch (error) {
    if (error instanceof TimbreError) throw error;
    throw new TimbreError('INVALID_ARGUMENT', `cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
  if (batch) yield batch;
}

/** Errors: INVALID_ARGUMENT. */
function parse(text: string, where: string): Line {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TimbreError('INVALID_ARGUMENT', `${where}: it is no JSON`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TimbreError('INVALID_ARGUMENT', `${where}: it is no JSON object`);
  }
  const unknown = Object.keys(value).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `${where}: there is no field ${JSON.stringify(unknown)}; they are ${FIELDS.join(', ')}`,
    );
  }
  const { speaker, vector, model, speechSeconds } = value as Partial<Line>;
  if (
    typeof speaker !== 'string' ||
    !Array.isArray(vector) ||
    typeof model !== 'string' ||
    typeof speechSeconds !== 'number'
  ) {
    throw new TimbreError('INVALID_ARGUMENT', `${where}: speaker, vector, model and speechSeconds have to be there`);
  }
  return value as Line;
}

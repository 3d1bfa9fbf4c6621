import { randomUUID } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { TimbreError } from '../../errors/timbre-error.js';
import { Steps } from '../../support/steps.js';
import type { Config } from '../config/config.js';
import { discardRest } from '../http/discard-rest.js';
import type { JsonLimits } from '../http/json-reader.js';
import { readBody, type BodyBounds } from '../http/read-body.js';
import { RECORDING_TYPES } from '../http/recording-types.js';
import type { RequestContext } from '../http/request-context.js';
import type { WaitingShare } from '../http/waiting-bytes.js';
import { FormParser } from './form-parser.js';
import type { Recording, Upload, UploadForm } from './recording.js';
import { RecordingSink } from './recording-sink.js';
import type { UploadMemory } from './upload-memory.js';

const MAX_NAME_LENGTH = 100;
const MAX_FILENAME_LENGTH = 255;

/** No recording is as short and made of characters alone: somebody sent the name of a file, or a text. */
const LONGEST_TEXT_BYTES = 4096;

/** An upload and the way to get rid of its temporary files, and of its shares of the bytes that are held. */
export interface ReceivedUpload extends Upload {
  remove(): Promise<void>;
}

export interface ReceiveLimits extends Pick<
  Config,
  'maxFiles' | 'maxUploadBytes' | 'maxRequestBytes' | 'requestSeconds' | 'minUploadBytesPerSecond' | 'uploadDir'
> {
  /** Fields of the form that hold JSON, which is parsed while it comes. */
  json?: Readonly<Record<string, JsonLimits>>;
  /** Whether the body may be one recording instead of a form. */
  raw: boolean;
}

/**
 * Streams the recordings of a form, or a body that is one recording, into `memory` while it has room for them, or else into
 * temporary files. When it throws, it has removed what it wrote.
 * Errors: CONTENT_TYPE_UNSUPPORTED, BODY_TOO_LARGE, AUDIO_TOO_LARGE, INVALID_ARGUMENT for a form that is not as declared
 * or is cut off, OVERLOADED where `share` cannot grow, ABORTED when the client goes away, DEADLINE_EXCEEDED, WRITE_FAILED.
 */
export async function receive(
  request: IncomingMessage,
  form: UploadForm,
  limits: ReceiveLimits,
  context: Pick<RequestContext, 'signal' | 'deadline'>,
  share: WaitingShare,
  memory: UploadMemory,
): Promise<ReceivedUpload> {
  const reception = new Reception(request, form, limits, context, share, memory);
  try {
    const upload = await reception.run();
    return { ...upload, remove: () => reception.remove() };
  } catch (error) {
    discardRest(request);
    // What went wrong first is what is told.
    await reception.remove().catch(() => undefined);
    throw error;
  }
}

export function isForm({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return /^multipart\/form-data\b/i.test(headers['content-type'] ?? '');
}

export function isRecording({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return RECORDING_TYPES.test(headers['content-type'] ?? '');
}

/** A recording of the request, as far as it has come. */
interface Part {
  field: string;
  filename: string;
  /** Whether nothing about the part says that it is a file. */
  mayBeText: boolean;
  sink: RecordingSink;
}

/** One upload on its way in. The first thing that goes wrong ends it. */
class Reception {
  private readonly name = randomUUID();
  private readonly fields = Object.create(null) as Record<string, unknown>;
  private readonly parts: Part[] = [];
  /** Recordings of each field. */
  private readonly counts = new Map<string, number>();
  private readonly steps: Steps;
  private readonly failing = new AbortController();
  /** The name of a recording that was taken for the only field there is. */
  private misnamed: string | undefined;

  constructor(
    private readonly request: IncomingMessage,
    private readonly form: UploadForm,
    private readonly limits: ReceiveLimits,
    private readonly context: Pick<RequestContext, 'signal' | 'deadline'>,
    private readonly share: WaitingShare,
    private readonly memory: UploadMemory,
  ) {
    this.steps = new Steps(context);
  }

  /** What the request holds, once all of it is here. */
  async run(): Promise<Upload> {
    if (isForm(this.request)) await this.readForm();
    else if (this.limits.raw && isRecording(this.request)) await this.readRecording();
    else throw this.otherType();
    const recordings: Recording[] = [];
    for (const { field, filename, sink } of this.parts) {
      recordings.push({ field, filename, ...sink.take() });
      await this.steps.next();
    }
    await this.checkText(recordings);
    checkCounts(recordings, this.form);
    return { recordings, fields: this.fields };
  }

  /** Gives back what the recordings are held in. */
  async remove(): Promise<void> {
    this.share.release();
    const steps = new Steps();
    const removed: Promise<void>[] = [];
    for (const { sink } of this.parts) {
      removed.push(sink.remove());
      await steps.next();
    }
    await Promise.all(removed);
  }

  private async readForm(): Promise<void> {
    const { request, limits, failing } = this;
    const bounds = this.bounds(limits.maxRequestBytes, () => requestTooLarge(limits));
    const parser = new FormParser(
      request.headers,
      {
        fields: Object.keys(this.form),
        json: limits.json ?? {},
        maxFiles: limits.maxFiles,
        maxFileBytes: limits.maxUploadBytes,
      },
      {
        file: (field, filename, mayBeText) => this.begin(field, filename, mayBeText).sink,
        tooLong: (field) => recordingTooLarge(field, limits),
        field: (name, value) => this.setField(name, value),
        fail: (error) => failing.abort(error),
      },
      this.steps,
      failing.signal,
    );
    try {
      await readBody(request, { ...bounds, signal: failing.signal }, (piece) => parser.take(piece));
      await parser.end();
    } catch (error) {
      failing.abort(error);
      throw failing.signal.reason;
    } finally {
      await parser.settled();
    }
    failing.signal.throwIfAborted();
  }

  /** The body is the recording; what a form has beside it comes with the address. */
  private async readRecording(): Promise<void> {
    const { request, limits } = this;
    const [field] = Object.keys(this.form) as [string];
    for (const [name, value] of new URL(request.url ?? '/', 'http://localhost').searchParams) {
      this.setField(name, value);
    }
    const { sink } = this.begin(field, undefined, false);
    const most = Math.min(limits.maxUploadBytes, limits.maxRequestBytes);
    let failure: Error | null | undefined;
    sink.on('error', (error) => (failure = error));
    await readBody(
      request,
      this.bounds(most, () => recordingTooLarge(field, { maxUploadBytes: most })),
      (piece) =>
        new Promise((resolve, reject) => {
          sink.write(piece, (error) => (error ? reject(error) : resolve()));
        }),
    );
    await new Promise<void>((resolve, reject) => {
      sink.once('error', reject).end(resolve);
      if (failure) reject(failure);
    });
  }

  private bounds(maxBytes: number, tooLarge: () => TimbreError): BodyBounds {
    const { requestSeconds: seconds, minUploadBytesPerSecond: minBytesPerSecond } = this.limits;
    const { share, context } = this;
    return { maxBytes, tooLarge, seconds, minBytesPerSecond, deadline: context.deadline, share, sharePerByte: 1 };
  }

  /** Errors: INVALID_ARGUMENT, BODY_TOO_LARGE where the field takes no more. */
  private begin(given: string, filename: string | undefined, mayBeText: boolean): Part {
    const field = this.fieldOf(given);
    const path = join(this.limits.uploadDir, `timbre-upload-${this.name}-${this.parts.length}`);
    const part = {
      field,
      filename: displayName(filename),
      mayBeText,
      sink: new RecordingSink(path, this.memory.room()),
    };
    this.parts.push(part);
    this.counts.set(field, (this.counts.get(field) ?? 0) + 1);
    return part;
  }

  /** The field that a recording belongs to: where there is one field and one recording, its name does not matter. */
  private fieldOf(given: string): string {
    const { form, parts, limits } = this;
    if (this.misnamed !== undefined) throw wrongField(this.misnamed, form);
    const fields = Object.keys(form);
    if (!Object.hasOwn(form, given)) {
      if (given === '' || fields.length > 1 || parts.length > 0) throw wrongField(given, form);
      this.misnamed = given;
    }
    const field = Object.hasOwn(form, given) ? given : fields[0]!;
    if (parts.length >= limits.maxFiles) {
      throw new TimbreError('BODY_TOO_LARGE', `more than ${limits.maxFiles} recordings in one request`);
    }
    const { max = Infinity } = form[field]!;
    if ((this.counts.get(field) ?? 0) < max) return field;
    const most = max === 1 ? 'one recording' : `${max} recordings`;
    throw new TimbreError('INVALID_ARGUMENT', `the field "${field}" takes no more than ${most}`);
  }

  private setField(given: string, value: unknown): void {
    const name = given.slice(0, MAX_NAME_LENGTH);
    if (name in this.fields) throw new TimbreError('INVALID_ARGUMENT', `the field "${name}" came twice`);
    this.fields[name] = value;
  }

  /** Errors: INVALID_ARGUMENT for a text where a file belongs. */
  private async checkText(recordings: readonly Recording[]): Promise<void> {
    for (const [i, { field, audio, bytes }] of recordings.entries()) {
      await this.steps.next();
      if (!this.parts[i]!.mayBeText || bytes > LONGEST_TEXT_BYTES) continue;
      if (!isText(typeof audio === 'string' ? await readFile(audio) : audio)) continue;
      throw new TimbreError(
        'INVALID_ARGUMENT',
        `the field "${field}" holds ${bytes} bytes of text and no recording; send a file, as curl does with -F ${field}=@FILE`,
      );
    }
  }

  private otherType(): TimbreError {
    const type = this.request.headers['content-type'] ?? '';
    const got = type === '' ? 'no content type' : `the content type ${JSON.stringify(type.slice(0, 100))}`;
    const raw = this.limits.raw ? ', or one recording as the body with its own content type, such as audio/wav' : '';
    return new TimbreError(
      'CONTENT_TYPE_UNSUPPORTED',
      `got ${got}; send multipart/form-data with the recordings as ${names(this.form)}, as curl does with -F${raw}`,
    );
  }
}

function checkCounts(recordings: readonly Recording[], form: UploadForm): void {
  for (const [name, { min }] of Object.entries(form)) {
    const count = recordings.filter(({ field }) => field === name).length;
    if (count < min) {
      throw new TimbreError(
        'INVALID_ARGUMENT',
        `the field "${name}" needs ${min === 1 ? 'a recording' : `${min} recordings`}, sent as a file, and has ${count}`,
      );
    }
  }
}

function isText(bytes: Buffer): boolean {
  // eslint-disable-next-line no-control-regex -- they are what no text has
  return isUtf8(bytes) && !/[\u0000-\u0008\u000e-\u001f\u007f]/.test(bytes.toString('utf8'));
}

/**
 * The client's file name for people: no folders, no control characters, bounded. One that is not in UTF-8 is left out:
 * nobody can read what would be kept of it.
 */
function displayName(filename: string | undefined): string {
  const last = (filename ?? '').split(/[\\/]/).at(-1)!;
  if (last.includes('\ufffd')) return '';
  // eslint-disable-next-line no-control-regex -- they are what is removed
  return last.replace(/[\u0000-\u001f\u007f-\u009f]/g, '').slice(0, MAX_FILENAME_LENGTH);
}

function names(form: UploadForm): string {
  const quoted = Object.keys(form).map((name) => `"${name}"`);
  return `the form field${quoted.length === 1 ? '' : 's'} ${quoted.join(' and ')}`;
}

function wrongField(given: string, form: UploadForm): TimbreError {
  const text = `recordings go into ${names(form)}, not into ${JSON.stringify(given.slice(0, MAX_NAME_LENGTH))}`;
  return new TimbreError('INVALID_ARGUMENT', text);
}

function requestTooLarge({ maxRequestBytes }: ReceiveLimits): TimbreError {
  return new TimbreError('BODY_TOO_LARGE', `the request has more than ${maxRequestBytes} bytes`);
}

function recordingTooLarge(field: string, { maxUploadBytes }: Pick<ReceiveLimits, 'maxUploadBytes'>): TimbreError {
  return new TimbreError('AUDIO_TOO_LARGE', `a recording in "${field}" has more than ${maxUploadBytes} bytes`);
}

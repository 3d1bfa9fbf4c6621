import { Busboy, type BusboyFileStream, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { discardRest } from '../http/discard-rest.js';
import { TimbreError } from '../../errors/timbre-error.js';
import type { RequestContext } from '../http/request-context.js';
import type { WaitingShare } from '../http/waiting-bytes.js';
import type { Config } from '../config/config.js';
import type { Recording, Upload, UploadForm } from './recording.js';
import { RecordingSink } from './recording-sink.js';
import type { UploadMemory } from './upload-memory.js';

/** Bounds on the form around the recordings; nobody needs more. */
const MAX_FIELDS = 32;
const MAX_FIELD_BYTES = 16 * 1024;
const MAX_NAME_LENGTH = 100;
const MAX_FILENAME_LENGTH = 255;

/**
 * More than a socket gives at once. The parser passes over a part that is no field, and would wait for ever where such a
 * part fills its buffer and ends in the same chunk.
 */
const PART_BUFFER_BYTES = 256 * 1024;

/** An upload and the way to get rid of its temporary files, and of its shares of the bytes that are held. */
export interface ReceivedUpload extends Upload {
  remove(): Promise<void>;
}

export interface ReceiveLimits extends Pick<
  Config,
  'maxFiles' | 'maxUploadBytes' | 'maxRequestBytes' | 'requestSeconds' | 'uploadDir'
> {
  /** Bytes of one field that is no recording; default 16 KiB. */
  fieldBytes?: number;
}

/**
 * Streams the recordings of a form into `memory` while it has room for them, or else into temporary files. When it
 * throws, it has removed what it wrote.
 * Errors: CONTENT_TYPE_UNSUPPORTED, BODY_TOO_LARGE, AUDIO_TOO_LARGE, INVALID_ARGUMENT for a form that is not as declared
 * or breaks off, OVERLOADED where `share` cannot grow, ABORTED when the client goes away, DEADLINE_EXCEEDED, WRITE_FAILED.
 */
export async function receive(
  request: IncomingMessage,
  form: UploadForm,
  limits: ReceiveLimits,
  context: Pick<RequestContext, 'signal' | 'deadline'>,
  share: WaitingShare,
  memory: UploadMemory,
): Promise<ReceivedUpload> {
  const reception = new Reception(request, form, limits, share, memory);
  try {
    checkHeaders(request, form, limits);
    const upload = await reception.run(context);
    checkCounts(upload.recordings, form);
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

function checkHeaders(request: IncomingMessage, form: UploadForm, limits: ReceiveLimits): void {
  if (!isForm(request)) {
    const type = request.headers['content-type'] ?? '';
    const got = type === '' ? 'no content type' : `the content type ${JSON.stringify(type.slice(0, 100))}`;
    throw new TimbreError(
      'CONTENT_TYPE_UNSUPPORTED',
      `got ${got}; send multipart/form-data with the recordings as ${names(form)}, as curl does with -F`,
    );
  }
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limits.maxRequestBytes) throw requestTooLarge(declared, limits);
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

/** A recording of the form, as far as it has come. */
interface Part {
  field: string;
  filename: string;
  sink: RecordingSink;
}

/** One form on its way in. The first thing that goes wrong ends it. */
class Reception {
  private readonly name = randomUUID();
  private readonly fields = Object.create(null) as Record<string, string>;
  private readonly parts: Part[] = [];
  private readonly writing: Promise<void>[] = [];
  private readonly failing = new AbortController();
  private received = 0;

  constructor(
    private readonly request: IncomingMessage,
    private readonly form: UploadForm,
    private readonly limits: ReceiveLimits,
    private readonly share: WaitingShare,
    private readonly memory: UploadMemory,
  ) {}

  /** What the form holds, once all of it is here. */
  async run({ signal, deadline }: Pick<RequestContext, 'signal' | 'deadline'>): Promise<Upload> {
    const { request } = this;
    const gone = (): void => this.fail(new TimbreError('ABORTED', 'the client went away during the upload'));
    const closed = (): void => {
      if (!request.complete) gone();
    };
    const late = setTimeout(() => this.fail(this.tooSlow()), Math.min(deadline - performance.now(), 2 ** 31 - 1));
    signal.addEventListener('abort', gone);
    request.on('close', closed);
    try {
      if (signal.aborted || request.destroyed) gone();
      await this.parsed();
      await Promise.all(this.writing);
      this.failing.signal.throwIfAborted();
      const recordings = this.parts.map(({ field, filename, sink }) => ({ field, filename, ...sink.take() }));
      return { recordings, fields: this.fields };
    } finally {
      await Promise.allSettled(this.writing);
      clearTimeout(late);
      signal.removeEventListener('abort', gone);
      request.off('close', closed);
    }
  }

  /** Gives back what the recordings are held in. */
  async remove(): Promise<void> {
    this.share.release();
    await Promise.all(this.parts.map(({ sink }) => sink.remove()));
  }

  /** Settles when the parser has seen the whole form, or with the first failure. */
  private parsed(): Promise<void> {
    const { request, failing } = this;
    return new Promise((resolve, reject) => {
      const parser = this.parser();
      const count = (chunk: Buffer): void => {
        this.received += chunk.length;
        try {
          if (this.received > this.limits.maxRequestBytes) throw requestTooLarge(this.received, this.limits);
          this.share.grow(chunk.length);
        } catch (error) {
          this.fail(error);
        }
      };
      // The parser may still complain about its fate after it was let go: it keeps this listener.
      parser.on('error', (error: unknown) => this.fail(malformed(error)));
      parser.on('finish', resolve);
      const stop = (): void => {
        request.off('data', count);
        request.unpipe(parser);
        reject(failing.signal.reason as TimbreError);
      };
      if (failing.signal.aborted) {
        stop();
        return;
      }
      failing.signal.addEventListener('abort', stop);
      request.on('data', count);
      request.pipe(parser);
    });
  }

  private parser(): BusboyInstance {
    let parser: BusboyInstance;
    try {
      parser = new Busboy({
        headers: this.request.headers as BusboyHeaders,
        fileHwm: PART_BUFFER_BYTES,
        limits: {
          fieldSize: this.limits.fieldBytes ?? MAX_FIELD_BYTES,
          fields: MAX_FIELDS,
          files: this.limits.maxFiles,
          fileSize: this.limits.maxUploadBytes,
          headerPairs: 32,
        },
      });
    } catch (error) {
      throw malformed(error);
    }
    parser.on('file', (field, stream, filename) => this.file(field, stream, filename));
    parser.on('field', (field, value, _nameTruncated, truncated) => this.field(field, value, truncated));
    parser.on('filesLimit', () =>
      this.fail(new TimbreError('BODY_TOO_LARGE', `more than ${this.limits.maxFiles} recordings in one request`)),
    );
    parser.on('fieldsLimit', () =>
      this.fail(new TimbreError('BODY_TOO_LARGE', `more than ${MAX_FIELDS} fields in one form`)),
    );
    return parser;
  }

  private file(field: string | undefined, stream: BusboyFileStream, filename: string | undefined): void {
    // The pipeline tells what goes wrong with it: a disk that is full ends this stream too, and is no fault of the client.
    stream.on('error', () => undefined);
    const problem = this.refusal(field);
    if (problem) {
      stream.resume();
      this.fail(problem);
      return;
    }
    const path = join(this.limits.uploadDir, `timbre-upload-${this.name}-${this.parts.length}`);
    const part = { field: field!, filename: displayName(filename), sink: new RecordingSink(path, this.memory.room()) };
    this.parts.push(part);
    stream.on('limit', () => this.fail(recordingTooLarge(part, this.limits)));
    const write = pipeline(stream, part.sink, { signal: this.failing.signal });
    this.writing.push(write.catch((error: unknown) => this.fail(malformed(error))));
  }

  /** Why this field may not hold one more recording. */
  private refusal(field: string | undefined): TimbreError | undefined {
    const allowed = field !== undefined && Object.hasOwn(this.form, field) ? this.form[field] : undefined;
    if (!allowed) {
      const text = `recordings go into ${names(this.form)}, not into ${JSON.stringify((field ?? '').slice(0, MAX_NAME_LENGTH))}`;
      return new TimbreError('INVALID_ARGUMENT', text);
    }
    const count = this.parts.filter((part) => part.field === field).length;
    if (allowed.max === undefined || count < allowed.max) return undefined;
    const most = allowed.max === 1 ? 'one recording' : `${allowed.max} recordings`;
    return new TimbreError('INVALID_ARGUMENT', `the field "${field}" takes no more than ${most}`);
  }

  private field(field: string | undefined, value: string, truncated: boolean): void {
    const name = (field ?? '').slice(0, MAX_NAME_LENGTH);
    if (truncated) {
      this.fail(
        new TimbreError(
          'BODY_TOO_LARGE',
          `the field "${name}" has more than ${this.limits.fieldBytes ?? MAX_FIELD_BYTES} bytes`,
        ),
      );
    } else if (Object.hasOwn(this.form, name)) {
      this.fail(new TimbreError('INVALID_ARGUMENT', `the field "${name}" must be sent as a file, with a file name`));
    } else if (name in this.fields) {
      this.fail(new TimbreError('INVALID_ARGUMENT', `the field "${name}" came twice`));
    } else {
      this.fields[name] = value;
    }
  }

  /** The first reason stays. */
  private fail(error: unknown): void {
    this.failing.abort(error);
  }

  private tooSlow(): TimbreError {
    return new TimbreError('DEADLINE_EXCEEDED', `the upload was not complete after ${this.limits.requestSeconds} s`);
  }
}

/** The client's file name for people: no folders, no control characters, bounded. */
function displayName(filename: string | undefined): string {
  const last = (filename ?? '').split(/[\\/]/).at(-1)!;
  // eslint-disable-next-line no-control-regex -- they are what is removed
  return last.replace(/[\u0000-\u001f\u007f-\u009f]/g, '').slice(0, MAX_FILENAME_LENGTH);
}

function names(form: UploadForm): string {
  const quoted = Object.keys(form).map((name) => `"${name}"`);
  return `the form field${quoted.length === 1 ? '' : 's'} ${quoted.join(' and ')}`;
}

function malformed(error: unknown): TimbreError {
  if (error instanceof TimbreError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new TimbreError('INVALID_ARGUMENT', `the form is malformed or breaks off: ${reason}`, { cause: error });
}

function requestTooLarge(bytes: number, { maxRequestBytes }: ReceiveLimits): TimbreError {
  return new TimbreError('BODY_TOO_LARGE', `the request has ${bytes} bytes or more, the limit is ${maxRequestBytes}`);
}

function recordingTooLarge({ field }: Part, { maxUploadBytes }: ReceiveLimits): TimbreError {
  return new TimbreError('AUDIO_TOO_LARGE', `a recording in "${field}" has more than ${maxUploadBytes} bytes`);
}

import { Busboy, type BusboyFileStream, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { setMaxListeners } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TimbreError } from '../../errors/timbre-error.js';
import type { Steps } from '../../support/steps.js';
import { JsonReader, type JsonLimits } from '../http/json-reader.js';
import { RECORDING_TYPES } from '../http/recording-types.js';

/** Bounds on the form around the recordings; nobody needs more. */
const MAX_FIELDS = 32;
export const MAX_FIELD_BYTES = 16 * 1024;
const MAX_NAME_LENGTH = 100;

/** Bytes that are parsed at once, and where they are full of small parts, each of which is many microseconds of work. */
const SLICE_BYTES = 8 * 1024;
const SLICE_OF_PARTS_BYTES = 2 * 1024;
const FEW_PARTS = 4;

/**
 * More than is parsed at once. The parser passes over a part that is no field, and would wait for ever where such a
 * part fills its buffer and ends in the same slice.
 */
const PART_BUFFER_BYTES = 256 * 1024;

/** What is expected of the form. */
export interface FormBounds {
  /** Fields of recordings. */
  fields: readonly string[];
  /** Fields of JSON. */
  json: Readonly<Record<string, JsonLimits>>;
  maxFiles: number;
  maxFileBytes: number;
}

/** Who takes what comes. What it throws is the end of the form. */
export interface FormReceiver {
  /** Where a recording is to be written. `mayBeText`: nothing says that it is a file. */
  file(field: string, filename: string | undefined, mayBeText: boolean): Writable;
  /** What a recording with too many bytes is answered with. */
  tooLong(field: string): TimbreError;
  field(name: string, value: unknown): void;
  fail(error: TimbreError): void;
}

/** A form of multipart/form-data, parsed while it comes, in pieces that do not hold the event loop for long. */
export class FormParser {
  private readonly parser: BusboyInstance;
  /** Parts that are being written; none of them rejects. */
  private readonly writing: Promise<void>[] = [];
  private finished = false;
  /** Parts that began in the last slice. */
  private began = 0;

  /** Errors: INVALID_ARGUMENT where the head says no boundary. `signal` is aborted with what `fail` was told. */
  constructor(
    headers: IncomingHttpHeaders,
    private readonly bounds: FormBounds,
    private readonly receiver: FormReceiver,
    private readonly steps: Steps,
    private readonly signal: AbortSignal,
  ) {
    // Each part that is written listens to it.
    setMaxListeners(0, signal);
    const files = bounds.maxFiles + Object.keys(bounds.json).length;
    try {
      this.parser = new Busboy({
        headers: headers as BusboyHeaders,
        fileHwm: PART_BUFFER_BYTES,
        isPartAFile: (name, type, filename) => this.isFile(name, type, filename),
        limits: {
          fieldSize: MAX_FIELD_BYTES,
          fields: MAX_FIELDS,
          files,
          fileSize: bounds.maxFileBytes,
          headerPairs: 32,
          headerSize: 16 * 1024,
          parts: files + MAX_FIELDS + 1,
        },
      });
    } catch (error) {
      throw malformed(error);
    }
    this.listen(files);
  }

  /** Errors: those of the steps, and what the form was ended with. */
  async take(piece: Buffer): Promise<void> {
    for (let at = 0; at < piece.length;) {
      const slice = piece.subarray(at, at + (this.began > FEW_PARTS ? SLICE_OF_PARTS_BYTES : SLICE_BYTES));
      this.began = 0;
      at += slice.length;
      await this.write(slice);
      await this.steps.next();
    }
  }

  /** Resolves when all of the form is written. Errors: those of `take`. */
  async end(): Promise<void> {
    if (!this.finished) {
      await this.unlessAborted((resolve) => {
        this.parser.once('finish', resolve);
        this.parser.end();
      });
    }
    await Promise.all(this.writing);
    this.signal.throwIfAborted();
  }

  /** Resolves when nothing is written any more, however the form ended. */
  async settled(): Promise<void> {
    await Promise.all(this.writing);
  }

  private listen(files: number): void {
    const { parser } = this;
    // It may still complain about its fate after it was let go: it keeps this listener.
    parser.on('error', (error: unknown) => this.receiver.fail(malformed(error)));
    parser.on('finish', () => (this.finished = true));
    parser.on('file', (name, stream, filename, _encoding, type) => this.file(name, stream, filename, type));
    parser.on('field', (name, value, _nameTruncated, truncated) => {
      this.attempt(() => this.field(name, value, truncated));
    });
    const tooMany = (what: string): void => this.receiver.fail(new TimbreError('BODY_TOO_LARGE', what));
    parser.on('filesLimit', () => tooMany(`more than ${this.bounds.maxFiles} recordings in one request`));
    parser.on('fieldsLimit', () => tooMany(`more than ${MAX_FIELDS} fields in one form`));
    parser.on('partsLimit', () => tooMany(`more than ${files + MAX_FIELDS} parts in one form`));
  }

  /** Whatever comes in the field of a recording is one, with a file name or without. */
  private isFile(name: string | undefined, type: string | undefined, filename: string | undefined): boolean {
    const { fields, json } = this.bounds;
    if (filename !== undefined || RECORDING_TYPES.test(type ?? '')) return true;
    return name !== undefined && (fields.includes(name) || Object.hasOwn(json, name));
  }

  private file(
    given: string | undefined,
    stream: BusboyFileStream,
    filename: string | undefined,
    type: string | undefined,
  ): void {
    const name = given ?? '';
    this.began++;
    // The pipeline tells what goes wrong with it: a disk that is full ends this stream too, and is no fault of the client.
    stream.on('error', () => undefined);
    const taken = this.attempt(() => {
      if (Object.hasOwn(this.bounds.json, name)) return this.json(name, stream);
      const mayBeText = filename === undefined && !RECORDING_TYPES.test(type ?? '');
      const to = this.receiver.file(name, filename, mayBeText);
      stream.on('limit', () => this.receiver.fail(this.receiver.tooLong(name)));
      return pipeline(stream, to, { signal: this.signal });
    });
    if (taken) this.writing.push(taken.catch((error: unknown) => this.receiver.fail(malformed(error))));
    else stream.resume();
  }

  private async json(name: string, stream: BusboyFileStream): Promise<void> {
    const reader = new JsonReader(this.bounds.json[name]!, this.steps, `the field "${name}"`);
    for await (const piece of stream as AsyncIterable<Buffer>) {
      this.signal.throwIfAborted();
      await reader.take(piece);
    }
    this.receiver.field(name, reader.end());
  }

  private field(given: string, value: string, truncated: boolean): void {
    const name = given.slice(0, MAX_NAME_LENGTH);
    if (truncated) {
      throw new TimbreError('BODY_TOO_LARGE', `the field "${name}" has more than ${MAX_FIELD_BYTES} bytes`);
    }
    // The parser puts this character where bytes were no UTF-8; nobody can say what they were meant to be.
    if (value.includes('\ufffd')) {
      throw new TimbreError('INVALID_ARGUMENT', `the field "${name}" is not in UTF-8; encode it so`);
    }
    this.receiver.field(name, value);
  }

  /** Undefined where it threw, which ends the form. */
  private attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.receiver.fail(malformed(error));
      return undefined;
    }
  }

  private write(slice: Buffer): Promise<void> {
    return this.unlessAborted((resolve) => this.parser.write(slice, () => resolve()));
  }

  /** The parser waits for ever for a part that nobody takes any more. */
  private unlessAborted(work: (resolve: () => void) => void): Promise<void> {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason as TimbreError);
      if (signal.aborted) {
        stop();
        return;
      }
      signal.addEventListener('abort', stop, { once: true });
      work(() => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
    });
  }
}

function malformed(error: unknown): TimbreError {
  if (error instanceof TimbreError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const text = /unexpected end of multipart data/i.test(reason)
    ? 'the upload is cut off: the form ends before its last boundary'
    : `the form is malformed: ${reason}`;
  return new TimbreError('INVALID_ARGUMENT', text, { cause: error });
}

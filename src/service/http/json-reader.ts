import { Tokenizer, TokenParser, TokenType } from '@streamparser/json';
import { isUtf8 } from 'node:buffer';
import { TimbreError } from '../../errors/timbre-error.js';
import type { Steps } from '../../support/steps.js';

/** Far more than any call needs; whoever walks the value recursively is safe. */
const MAX_DEPTH = 32;

/** Bytes that are parsed at once: a few milliseconds of work, whatever they hold. */
const SLICE_BYTES = 16 * 1024;

/** Text is gathered in blocks: a long string of escapes would otherwise be as many strings. */
const TEXT_BLOCK_BYTES = 4096;
const NUMBER_BLOCK_BYTES = 64;

const ESCAPE = '\\u';
/** Characters written as \u that any body may have, beside two for each of its values. */
const FEW_ESCAPES = 20_000;

/** Bounds on the JSON of a call. */
export interface JsonLimits {
  /** Of the whole, as it comes out of its encoding. */
  bytes: number;
  /** Values and names of fields, counted together: they take time and memory that bytes do not tell. */
  values: number;
}

/**
 * Parses JSON while it comes, in pieces that never hold the event loop for long: `JSON.parse` takes seconds for a body of
 * 16 MB that is made for it. Takes what `JSON.parse` takes, in UTF-8, with or without a byte-order mark.
 */
export class JsonReader {
  private readonly tokenizer = new Tokenizer({
    stringBufferSize: TEXT_BLOCK_BYTES,
    numberBufferSize: NUMBER_BLOCK_BYTES,
  });
  private readonly parser = new TokenParser({ paths: ['$'] });
  private readonly utf8 = new Utf8Check();
  private result: { value: unknown } | undefined;
  private bytes = 0;
  private values = 0;
  private depth = 0;
  private escapes = 0;
  /** Byte of the last token. */
  private at = 0;

  /** `what` names the JSON in errors: `the body`. */
  constructor(
    private readonly limits: JsonLimits,
    private readonly steps: Steps,
    private readonly what = 'the body',
  ) {
    this.parser.onValue = ({ value }) => (this.result = { value });
    // The tokenizer ends the parser too; there is nothing after the first value.
    this.parser.onEnd = () => undefined;
    this.tokenizer.onToken = (token) => {
      this.at = token.offset;
      this.count(token.token);
      this.parser.write(token);
    };
  }

  /** Errors: INVALID_ARGUMENT, BODY_TOO_LARGE; those of the steps. */
  async take(chunk: Uint8Array): Promise<void> {
    this.bytes += chunk.length;
    if (this.bytes > this.limits.bytes) throw jsonTooLarge(this.what, this.limits.bytes);
    for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
      this.parse(chunk.subarray(at, at + SLICE_BYTES));
      await this.steps.next();
    }
  }

  /** The value; undefined where nothing but white space came. Errors: INVALID_ARGUMENT. */
  end(): unknown {
    if (!this.utf8.isWhole) throw this.notUtf8();
    const whole = this.endsWhole();
    if (this.result) return this.result.value;
    if (whole && this.values === 0) return undefined;
    throw new TimbreError('INVALID_ARGUMENT', `${this.what} is cut off: its JSON is not complete`);
  }

  /** False where the text ends in the middle of something. A number at the top is known to be whole only here. */
  private endsWhole(): boolean {
    const known = this.result;
    try {
      this.tokenizer.end();
      return true;
    } catch (error) {
      if (known) throw this.invalid(error);
      return false;
    }
  }

  private parse(slice: Uint8Array): void {
    this.countEscapes(slice);
    if (!this.utf8.takes(slice)) throw this.notUtf8();
    try {
      this.tokenizer.write(slice);
    } catch (error) {
      throw this.invalid(error);
    }
  }

  private count(token: TokenType): void {
    switch (token) {
      case TokenType.LEFT_BRACE:
      case TokenType.LEFT_BRACKET:
        if (++this.depth > MAX_DEPTH) {
          throw new TimbreError('INVALID_ARGUMENT', `${this.what} nests deeper than ${MAX_DEPTH} levels`);
        }
        break;
      case TokenType.RIGHT_BRACE:
      case TokenType.RIGHT_BRACKET:
        this.depth--;
        return;
      case TokenType.COLON:
      case TokenType.COMMA:
        return;
      default:
    }
    if (++this.values > this.limits.values) {
      throw new TimbreError(
        'BODY_TOO_LARGE',
        `${this.what} has more than ${this.limits.values} values and names of fields; send less at once`,
      );
    }
  }

  /** They cost a hundred times what the character does that they stand for; one that is cut in two is not missed. */
  private countEscapes(slice: Uint8Array): void {
    const bytes = Buffer.from(slice.buffer, slice.byteOffset, slice.byteLength);
    const most = FEW_ESCAPES + 2 * this.limits.values;
    for (let at = bytes.indexOf(ESCAPE); at !== -1; at = bytes.indexOf(ESCAPE, at + ESCAPE.length)) {
      if (++this.escapes <= most) continue;
      throw new TimbreError(
        'BODY_TOO_LARGE',
        `${this.what} has more than ${most} characters as \\u; send them in UTF-8`,
      );
    }
  }

  private invalid(error: unknown): TimbreError {
    if (error instanceof TimbreError) return error;
    const { message } = error as Error;
    const at = /absolute position "(\d+)"/.exec(message)?.[1] ?? String(this.at);
    return new TimbreError('INVALID_ARGUMENT', `${this.what} is no JSON: byte ${at} does not belong there`, {
      cause: error,
    });
  }

  private notUtf8(): TimbreError {
    return new TimbreError('INVALID_ARGUMENT', `${this.what} is not in UTF-8, which JSON is; encode it so`);
  }
}

/** Whether bytes that come in pieces are UTF-8. */
class Utf8Check {
  private tail: Uint8Array = new Uint8Array();

  /** Whether no character is incomplete. */
  get isWhole(): boolean {
    return this.tail.length === 0;
  }

  takes(piece: Uint8Array): boolean {
    const bytes = this.tail.length > 0 ? Buffer.concat([this.tail, piece]) : piece;
    const whole = wholeCharacters(bytes);
    this.tail = Uint8Array.from(bytes.subarray(whole));
    return isUtf8(bytes.subarray(0, whole));
  }
}

/** Bytes up to the end of the last character that is there as a whole. */
function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte > 0xf4 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

export function jsonTooLarge(what: string, bytes: number): TimbreError {
  return new TimbreError('BODY_TOO_LARGE', `${what} has more than ${bytes} bytes`);
}

import type { LoggerService } from '@nestjs/common';
import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import { withExcerpts } from '../../support/excerpt.js';
import { pretty } from './pretty-log.js';

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** Where a logged request would hold credentials. */
const SECRETS = ['', '*', '*.*'].flatMap((above) => {
  return [`${above}${above && '.'}authorization`, `${above}["x-api-key"]`, `${above}${above && '.'}cookie`];
});

const KEY_IN_TEXT = /(tmb_[0-9a-f]{12}_)[\w-]{20,}/g;

/**
 * One JSON object a line; readable lines on a terminal. Nothing of a request's body or headers is ever logged; should a
 * library do it all the same, no line leaves with a key in it.
 */
export function createLog(level: LogLevel, stream: DestinationStream & { isTTY?: boolean }): Logger {
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: SECRETS,
    formatters: { log: bounded },
    serializers: { err: (error: unknown) => describeError(error) },
    hooks: { streamWrite: (line) => line.replace(KEY_IN_TEXT, '$1[Redacted]') },
  };
  return pino(options, stream.isTTY ? pretty(stream) : stream);
}

/** What a line holds of anything that came from elsewhere is short, and no bytes: they may be a recording or a vector. */
function bounded(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, boundedValue(value)]));
}

function boundedValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return withExcerpts(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  if (depth === DEEPEST) return '[more]';
  if (Array.isArray(value)) return value.slice(0, MOST_ITEMS).map((item) => boundedValue(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, MOST_ITEMS)
      .map(([name, inner]) => [name, boundedValue(inner, depth + 1)]),
  );
}

const DEEPEST = 3;
const MOST_ITEMS = 20;

/** Libraries hang on their errors what they worked on, parameters of statements included: none of it is told. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return boundedValue(error);
  const { name, message, stack = '', cause } = error;
  const { code } = error as NodeJS.ErrnoException;
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return {
    type: name,
    message: withExcerpts(message),
    ...(code === undefined ? {} : { code }),
    stack: frames.join('\n'),
    ...(cause === undefined || depth === DEEPEST ? {} : { cause: describeError(cause, depth + 1) }),
  };
}

/** Nest's own messages and those of `new Logger('Room')` through pino. A message may be an object with `msg`. */
export class NestLog implements LoggerService {
  constructor(private readonly pino: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.write('info', message, rest);
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  /** The last of the rest is Nest's context, the one before it, of errors, a stack. */
  private write(level: Exclude<LogLevel, 'silent'>, message: unknown, rest: unknown[]): void {
    const [room, stack] = rest.filter((part) => typeof part === 'string').reverse() as (string | undefined)[];
    // Nest tells every route and module it makes; that is of interest to its developers only.
    const quiet = level === 'info' && NEST_ROOMS.has(room ?? '') ? 'debug' : level;
    const fields = { room, ...(stack === undefined ? {} : { stack }) };
    if (message instanceof Error) this.pino[quiet]({ ...fields, err: message }, message.message);
    else if (typeof message === 'object' && message !== null) this.pino[quiet]({ ...fields, ...message });
    else this.pino[quiet](fields, String(message));
  }
}

const NEST_ROOMS = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestApplication']);

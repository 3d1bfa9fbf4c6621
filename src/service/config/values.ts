import { delimiter } from 'node:path';
import { z } from 'zod';

/** Schemas of single settings. Each takes the text of a variable or flag as well as the value itself. */

export const text = z.string().min(1, 'is empty');

function numeric(value: unknown): unknown {
  return typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value.trim())
    ? Number(value)
    : value;
}

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number): z.ZodType<number> {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.preprocess(numeric, z.number(message).int(message).min(min, message).max(max, message));
}

/** Seconds, fractions allowed. */
export function seconds(min: number, max: number): z.ZodType<number> {
  const message = `must be a number of seconds from ${min} to ${max}`;
  return z.preprocess(numeric, z.number(message).min(min, message).max(max, message));
}

export function number(min: number, max: number): z.ZodType<number> {
  const message = `must be a number from ${min} to ${max}`;
  return z.preprocess(numeric, z.number(message).min(min, message).max(max, message));
}

/** A number strictly between 0 and 1. */
export const share: z.ZodType<number> = z.preprocess(
  numeric,
  z.number('must be a number between 0 and 1').gt(0, 'must lie above 0').lt(1, 'must lie below 1'),
);

export const portOrOff: z.ZodType<number | 'off'> = z.union([z.literal('off'), whole(0, 65_535)], {
  error: 'must be a port from 0 to 65535, or "off"',
});

export type Device = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;

export const device = z.custom<Device>(
  (value) => typeof value === 'string' && /^(auto|cpu|cuda(:\d{1,3})?)$/.test(value),
  {
    error: 'must be auto, cpu, cuda or cuda:<number>',
  },
);

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
};

/** `1048576`, `1MiB`, `1.5GB`. */
export const byteSize = bytesFrom(1024);

/** As `byteSize`, and 0 for none. */
export const byteSizeOrNone = bytesFrom(0);

function bytesFrom(least: number): z.ZodType<number> {
  return z.preprocess(
    (value) => {
      const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*([kmg]i?)?b?$/i.exec(value.trim()) : null;
      return match ? Math.round(Number(match[1]) * UNITS[(match[2] ?? '').toLowerCase()]!) : value;
    },
    z
      .number('must be a number of bytes, such as 1048576, 128MiB or 1GB')
      .int('must be a whole number of bytes')
      .min(least, `must be at least ${least} bytes`)
      .max(2 ** 40, 'must be at most 1 TiB'),
  );
}

/** A path without the slash at its end, `/voices/v2`; empty for the root. */
export const basePath: z.ZodType<string> = z.preprocess(
  (value) => (typeof value === 'string' ? value.trim().replace(/\/+$/, '') : value),
  z
    .string()
    .max(200, 'has more than 200 characters')
    .regex(/^(\/[A-Za-z0-9._~-]+)*$/, 'must be a path such as /voices, of letters, digits and . _ ~ -')
    .refine((path) => !/\/\.{1,2}(\/|$)/.test(path), 'must be a path without . and ..'),
);

/** Origins of web pages, `https://app.example:8443`; no paths, no wildcards. */
export const origins: z.ZodType<readonly string[]> = z.preprocess(
  (value) =>
    typeof value === 'string'
      ? value
          .split(',')
          .map((part) => part.trim())
          .filter(Boolean)
      : value,
  z
    .array(
      z.string().refine((text) => /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text, {
        error: 'must be origins such as https://app.example, separated by commas',
      }),
    )
    .readonly(),
);

/** Folders; empty for the default. */
export const audioRoots: z.ZodType<readonly string[]> = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(delimiter).filter((part) => part !== '') : value),
  z.array(text).readonly(),
);

export type ConsentRule = 'required' | 'optional';

export const consentRule: z.ZodType<ConsentRule> = z.enum(['required', 'optional'], {
  error: 'must be required or optional',
});

/** `on` or `off`, or the value itself. */
export const onOrOff: z.ZodType<boolean> = z.preprocess(
  (value) => (value === 'on' ? true : value === 'off' ? false : value),
  z.boolean('must be on or off'),
);

/** Of PostgreSQL; empty for none. What is wrong with it is told without it: it has a password. */
export const databaseUrl: z.ZodType<string> = z
  .string()
  .trim()
  .refine((url) => url === '' || /^postgres(ql)?:\/\//.test(url), 'must begin with postgres://')
  .refine(
    (url) => url === '' || URL.canParse(url),
    'is no address: characters other than letters and digits in the password are written as %40',
  )
  .refine(
    (url) => !URL.canParse(url) || !new URL(url).searchParams.has('options'),
    'may have no options=: schema and time limits are settings of their own',
  )
  .refine(
    (url) => !URL.canParse(url) || new URL(url).pathname.length > 1,
    'names no database: postgres://host/database',
  );

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TimbreError } from '../../errors/timbre-error.js';
import { Steps } from '../../support/steps.js';
import { JsonReader, type JsonLimits } from './json-reader.js';

const WIDE: JsonLimits = { bytes: 1 << 20, values: 100_000 };

/** What the reader makes of bytes that come in pieces of this length. */
async function read(text: string | Buffer, piece = 64 * 1024, limits = WIDE): Promise<unknown> {
  const bytes = Buffer.from(text as string);
  const reader = new JsonReader(limits, new Steps());
  for (let at = 0; at < bytes.length; at += piece) await reader.take(bytes.subarray(at, at + piece));
  return reader.end();
}

async function refusal(text: string | Buffer, piece?: number, limits?: JsonLimits): Promise<TimbreError> {
  const error = await read(text, piece, limits).then(
    (value) => new Error(`${JSON.stringify(value)} was read`),
    (thrown: unknown) => thrown,
  );
  if (error instanceof TimbreError) return error;
  throw error;
}

const pieces = fc.integer({ min: 1, max: 9 });

describe('the reader takes what JSON.parse takes', () => {
  test('whatever the value, and wherever the pieces are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 5 }), pieces, fc.constantFrom(0, 2), async (value, piece, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(await read(text, piece)).toEqual(JSON.parse(text));
      }),
      { numRuns: 300 },
    );
  });

  test('and refuses what it refuses', async () => {
    const broken = fc
      .tuple(
        fc.json({ maxDepth: 3 }),
        fc.nat(),
        fc.constantFrom('', '"', '{', ']', ',', ':', '0', '-', 'e', '\\', '\u0001', ' '),
      )
      .map(([text, at, other]) => text.slice(0, at % text.length) + other + text.slice((at % text.length) + 1));
    await fc.assert(
      fc.asyncProperty(broken, pieces, async (text, piece) => {
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          if (text.trim() === '') expect(await read(text, piece)).toBeUndefined();
          else expect(await refusal(text, piece)).toMatchObject({ code: 'INVALID_ARGUMENT' });
          return;
        }
        expect(await read(text, piece)).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  test.each(['{"__proto__":{"admin":true}}', '{"constructor":{"prototype":{"admin":true}}}'])(
    'with fields that are no prototypes: %s',
    async (text) => {
      const value = await read(text, 1);
      expect(Object.keys(value as object)).toEqual(Object.keys(JSON.parse(text) as object));
      expect((value as { admin?: unknown }).admin).toBeUndefined();
      expect(({} as { admin?: unknown }).admin).toBeUndefined();
    },
  );
});

describe('the encoding', () => {
  test('may begin with a byte-order mark', async () => {
    expect(await read('\ufeff{"id":"ada"}', 1)).toEqual({ id: 'ada' });
  });

  test.each([
    ['Latin-1', Buffer.from('{"name":"Zoë"}', 'latin1')],
    ['Latin-1 at the end of a text', Buffer.from('{"name":"Renée é', 'latin1')],
    ['UTF-16', Buffer.from('\ufeff{"name":"Zoe"}', 'utf16le')],
    ['half a character', Buffer.from('"é').subarray(0, 2)],
    ['an encoded surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ])('is UTF-8 and nothing else: %s', async (_name, bytes) => {
    for (const piece of [1, 2, 64]) {
      const error = await refusal(bytes, piece);
      expect([error.code, error.message]).toEqual(['INVALID_ARGUMENT', expect.stringContaining('UTF-8')]);
    }
  });
});

test('nothing but white space is no value', async () => {
  for (const text of ['', '  \r\n', '\ufeff']) expect(await read(text)).toBeUndefined();
});

test('what is cut off is said to be cut off', async () => {
  for (const text of ['{"a":', '[1,', '"ab', 'tru', '{"a":1', '-']) {
    expect((await refusal(text)).message).toContain('cut off');
  }
});

test('what does not belong there is named by its byte', async () => {
  expect((await refusal('{"a":1}x', 3)).message).toContain('byte 7 ');
  expect((await refusal('[1,]')).message).toContain('byte 3 ');
});

describe('bounds', () => {
  test.each([
    ['bytes', `"${'x'.repeat(2000)}"`],
    ['numbers', `[${'1,'.repeat(500)}1]`],
    ['empty lists', `[${'[],'.repeat(500)}[]]`],
    ['names of fields', `{${Array.from({ length: 300 }, (_, i) => `"k${i}":1`).join(',')}}`],
  ])('are kept for %s', async (_name, text) => {
    expect(await refusal(text, 10, { bytes: 1000, values: 400 })).toMatchObject({ code: 'BODY_TOO_LARGE' });
  });

  test('are kept for characters written as \\u, which cost a hundred times what they stand for', async () => {
    const text = `"${'\\u00e9'.repeat(21_000)}"`;
    expect(await refusal(text, 64 * 1024, { bytes: 1 << 20, values: 400 })).toMatchObject({ code: 'BODY_TOO_LARGE' });
    expect(await read(text, 64 * 1024, { bytes: 1 << 20, values: 600 })).toBe('é'.repeat(21_000));
  });

  test('are kept for levels', async () => {
    expect(await read(`${'['.repeat(32)}${']'.repeat(32)}`)).toBeDefined();
    expect(await refusal(`${'['.repeat(33)}${']'.repeat(33)}`)).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('deeper than 32 levels'),
    });
  });

  test('are not reached by what has just as much', async () => {
    expect(await read('{"a":[1,2,3]}', 2, { bytes: 13, values: 6 })).toEqual({ a: [1, 2, 3] });
    expect(await refusal('{"a":[1,2,3]}', 2, { bytes: 13, values: 5 })).toMatchObject({ code: 'BODY_TOO_LARGE' });
    expect(await refusal('{"a":[1,2,3]}', 2, { bytes: 12, values: 6 })).toMatchObject({ code: 'BODY_TOO_LARGE' });
  });
});

test('others have their turns while a long body is parsed, though it comes at once', async () => {
  let turns = 0;
  const others = setInterval(() => turns++, 0);
  const reader = new JsonReader({ bytes: 1 << 24, values: 1e7 }, new Steps());
  await reader.take(Buffer.from(`[${'1,'.repeat(500_000)}1]`));
  clearInterval(others);
  expect(turns).toBeGreaterThan(1);
});

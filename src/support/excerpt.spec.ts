import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { excerpt, printable, printableJson, withExcerpts } from './excerpt.js';

const ESCAPES = '\u001b[2J\u009b31m\u202eevil\u2069\r\n\u0007';

describe('text that somebody else chose', () => {
  test('moves no cursor and turns no text around on a terminal', () => {
    expect(printable(`a${ESCAPES}b`)).toBe('a\\u{1b}[2J\\u{9b}31m\\u{202e}evil\\u{2069}\\u{d}\\u{a}\\u{7}b');
    expect(printable('one\n\ttwo\r', { breaks: true })).toBe('one\n\ttwo\\u{d}');
    expect(printable('Ada Lovelace, Ångström, 山田')).toBe('Ada Lovelace, Ångström, 山田');
  });

  test('is the same text for who reads the JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = printableJson(JSON.stringify({ text }, null, 2));
        expect(JSON.parse(json)).toEqual({ text });
        // eslint-disable-next-line no-control-regex -- these are what is looked for
        expect(json).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
      }),
    );
  });

  test('is 80 characters in the log at most', () => {
    expect(excerpt('x'.repeat(200))).toHaveLength(80);
    expect(excerpt('/short/path.wav')).toBe('/short/path.wav');
    const long = `there is no "${'y'.repeat(500)}" and no 'a b ${'c d '.repeat(100)}' at /${'z'.repeat(300)} here`;
    for (const run of withExcerpts(long).split(/[\s"']/)) expect(run.length).toBeLessThanOrEqual(82);
    expect(withExcerpts(long).length).toBeLessThan(330);
    expect(withExcerpts('an ordinary message of "a few" words')).toBe('an ordinary message of "a few" words');
  });
});

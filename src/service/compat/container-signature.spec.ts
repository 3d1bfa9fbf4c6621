import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isEncoded } from './container-signature.js';

/** So many 16-bit samples of a formula, as bytes. */
function pcm(count: number, sample: (i: number) => number): Buffer {
  const bytes = Buffer.alloc(2 * count);
  for (let i = 0; i < count; i++) bytes.writeInt16LE(Math.max(-32768, Math.min(32767, Math.round(sample(i)))), 2 * i);
  return bytes;
}

/** Bytes of a generator with a period of 2^32. */
function noise(length: number, seed: number): Buffer {
  let state = seed;
  return Buffer.from(
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return state >>> 24;
    }),
  );
}

describe('raw samples are not taken for a recording', () => {
  test('whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 4096 }), (bytes) => {
        expect(isEncoded(Buffer.from(bytes))).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test('that repeat themselves: constants and patterns of any two samples from an edge of the range', () => {
    const edges = [0, 1, -1, 0xff, -256, -1025, -1281, -1029, 0x770b, 0x4747, -8362, 0x0fff, -15, -4097, 32767, -32768];
    for (const a of edges) {
      for (const b of edges) expect(isEncoded(pcm(8192, (i) => (i % 2 === 0 ? a : b)))).toBe(false);
    }
  });

  test('of tones, of noise and of silence', () => {
    for (let hertz = 20; hertz < 8000; hertz *= 1.3) {
      expect(isEncoded(pcm(4096, (i) => 30_000 * Math.sin((2 * Math.PI * hertz * i) / 16_000)))).toBe(false);
    }
    for (let seed = 1; seed <= 200; seed++) expect(isEncoded(noise(4096, seed))).toBe(false);
    expect(isEncoded(Buffer.alloc(4096))).toBe(false);
  });

  test.each([
    ['the sync of MP3', '\xFF\xFB\x90\x64'],
    ['the sync of AAC', '\xFF\xF1\x50\x80\x2E\x7F\xFC'],
    ['the sync of AC-3', '\x0B\x77\x12\x34\x14\x40\x43'],
    ['the sync of LATM', '\x56\xE1\x00\x20'],
    ['a packet of MPEG-TS', 'G\x40\x11\x10'],
    ['a tag longer than the bytes', 'ID3\x04\x00\x00\x7F\x7F\x7F\x7F'],
    ['a box that leads nowhere', '\x00\x00\x01\x00mdat'],
    ['".snd" with the numbers of no header', '.snd\x12\x34\x56\x78'],
    ['EBML without a doctype', '\x1A\x45\xDF\xA3'],
    ['gzip', '\x1F\x8B\x08\x00'],
    ['a JPEG', '\xFF\xD8\xFF\xE0'],
  ])('that begin with %s and go on as noise', (_name, head) => {
    for (let seed = 1; seed <= 50; seed++) {
      expect(isEncoded(Buffer.concat([Buffer.from(head, 'latin1'), noise(4096, seed)]))).toBe(false);
    }
  });
});

describe('a recording is known by its first bytes', () => {
  /** Frames of noise behind a header. */
  function frames(header: string, length: number): Buffer {
    const one = Buffer.concat([Buffer.from(header, 'latin1'), noise(length - header.length, 7)]);
    return Buffer.concat(Array.from({ length: 5 }, () => one));
  }

  const behind = noise(4096, 3).toString('latin1');
  test.each([
    ['WAV', `RIFF\x24\x00\x00\x00WAVEfmt ${behind}`],
    ['big-endian WAV', `RIFX\x24\x00\x00\x00WAVEfmt ${behind}`],
    ['RF64', `RF64\xFF\xFF\xFF\xFFWAVEds64${behind}`],
    ['BW64', `BW64\xFF\xFF\xFF\xFFWAVEds64${behind}`],
    ['W64', `riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\x00\x00${behind}`],
    ['AIFF', `FORM\x00\x00\x10\x00AIFFCOMM${behind}`],
    ['AIFF-C', `FORM\x00\x00\x10\x00AIFCFVER${behind}`],
    ['AU', `.snd\x00\x00\x00\x18\xFF\xFF\xFF\xFF\x00\x00\x00\x03\x00\x00\x3E\x80\x00\x00\x00\x01${behind}`],
    ['CAF', `caff\x00\x01\x00\x00desc${behind}`],
    ['FLAC', `fLaC\x00\x00\x00\x22${behind}`],
    ['Ogg', `OggS\x00\x02${behind}`],
    ['SPHERE', `NIST_1A\n   1024\n${behind}`],
    ['IRCAM', `\x64\xA3\x01\x00\x00\x00\x7A\x46\x01\x00\x00\x00\x02\x00\x00\x00${behind}`],
    ['AMR', `#!AMR\n\x3C${behind}`],
    ['AMR-WB', `#!AMR-WB\n\x3C${behind}`],
    ['MP4', `\x00\x00\x00\x1Cftypisom${behind}`],
    ['a fragment of MP4', `\x00\x00\x00\x18stypmsdh${behind}`],
    ['MOV that begins with wide', `\x00\x00\x00\x08wide\x00\x00\x10\x00mdat${behind}`],
    ['WebM', `\x1A\x45\xDF\xA3\x9F\x42\x86\x81\x01\x42\x82\x84webm${behind}`],
    ['a piece of WebM', `\x1F\x43\xB6\x75\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xE7\x81\x00${behind}`],
    ['ASF', `\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9${behind}`],
    ['AVI', `RIFF\x24\x00\x00\x00AVI LIST${behind}`],
    ['FLV', `FLV\x01\x05\x00\x00\x00\x09${behind}`],
    ['VOC', `Creative Voice File\x1A\x1A\x00${behind}`],
    ['MP3 behind a tag', `ID3\x04\x00\x00\x00\x00\x01\x00${behind}`],
  ])('%s', (_name, text) => {
    expect(isEncoded(Buffer.from(text, 'latin1'))).toBe(true);
  });

  test.each([
    ['MP3', '\xFF\xFB\x90\x64', 417],
    ['MP3 of 16 kHz', '\xFF\xF3\x48\xC4', 144],
    ['AAC', '\xFF\xF1\x50\x80\x2E\x7F\xFC', 371],
    ['LATM', '\x56\xE0\x40', 67],
    ['AC-3', '\x0B\x77\x12\x34\x14\x40\x43', 768],
    ['E-AC-3', '\x0B\x77\x01\x3F\x34\x86\xFF', 640],
    ['MPEG-TS', 'G\x40\x11\x10', 188],
  ])('%s, by five frames', (_name, header, length) => {
    const whole = frames(header, length);
    expect(isEncoded(whole)).toBe(true);
    // One that is broken breaks the chain.
    whole[3 * length] = 0;
    expect(isEncoded(whole)).toBe(false);
  });
});

import { describe, expect, it } from '@jest/globals';
import { speakerId } from '../../support/speaker-id.js';
import { newSpeaker, speakerName, speakerNotFound } from './speaker.js';

const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' });

describe('a speaker id', () => {
  it.each(['ada', '7', 'Zoë', '王秀英', 'ada.lovelace@example.org', 'a:b+c~d_e-f', 'x'.repeat(128)])(
    'can be %s',
    (id) => {
      expect(speakerId(id)).toBe(id);
    },
  );

  it.each([
    '',
    ' ',
    'a/b',
    '../../etc/passwd',
    '..',
    '.hidden',
    '-rf',
    'a b',
    'a\0b',
    'a\nb',
    `x'; DROP TABLE speakers;--`,
    'a%2Fb',
    'x'.repeat(129),
    'x'.repeat(10_240),
    'a\u202Eb',
    'a\uD800',
    '👩🏽‍🚀',
  ])('cannot be %j', (id) => {
    expect(() => speakerId(id)).toThrow(refused);
  });

  it('is the same however its accents are written', () => {
    expect(speakerId('Zoe\u0308')).toBe('Zo\u00eb');
  });
});

describe('a name', () => {
  it.each(['Ada', '  Ada  ', '👩🏽‍🚀'.repeat(10), `Robert'); DROP TABLE speakers;--`, '../../etc/passwd', 'é'.repeat(200)])(
    'can be %j',
    (name) => {
      expect(speakerName(name)).toBe(name.trim());
    },
  );

  it.each(['', '   ', 'x'.repeat(201), 'x'.repeat(10_240), 'a\nb', 'a\u0000', 'a\u2028b', '\u202Eevil', '\uDC00'])(
    'cannot be %j',
    (name) => {
      expect(() => speakerName(name)).toThrow(refused);
    },
  );
});

describe('a new speaker', () => {
  it('gets a UUID where no id is given', () => {
    const now = new Date();
    const speaker = newSpeaker({}, now);
    expect(speaker).toEqual({
      id: speaker.id,
      subject: speaker.subject,
      name: null,
      createdAt: now,
      updatedAt: now,
      version: 1,
      consent: null,
      optedOutAt: null,
      lastUsedAt: null,
      activeAt: now,
      noticeAt: null,
      groups: [],
      metadata: {},
      learning: null,
      frozenAt: null,
    });
    expect(speaker.subject).not.toBe(speaker.id);
    expect(speaker.id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(newSpeaker({}, now).id).not.toBe(speaker.id);
  });
});

describe('the error for an unknown id', () => {
  it('is of a length that a log can carry', () => {
    expect(speakerNotFound('\n'.repeat(10_000)).message.length).toBeLessThan(400);
  });
});

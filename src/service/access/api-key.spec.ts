import { describe, expect, test } from '@jest/globals';
import { allows, isTextOf, keyIdOf, newApiKey, statusOf } from './api-key.js';

const NOW = new Date('2026-01-31T12:00:00Z');

describe('a key', () => {
  const { key, text } = newApiKey({ name: '  backend ', scopes: ['read', 'read'] }, NOW);

  test('is random text with a prefix and its id, of which a hash is kept', () => {
    expect(text).toMatch(/^tmb_[0-9a-f]{12}_[\w-]{43}$/);
    expect(keyIdOf(text)).toBe(key.id);
    expect(key).toMatchObject({ name: 'backend', scopes: ['read'], createdAt: NOW, expiresAt: null, revokedAt: null });
    expect(key.digest).toHaveLength(32);
    expect(JSON.stringify(key)).not.toContain(text.slice(17));
    expect(newApiKey({ name: 'x', scopes: ['read'] }, NOW).text).not.toBe(text);
  });

  test('is known by all of its text', () => {
    expect(isTextOf(text, key)).toBe(true);
    const other = newApiKey({ name: 'other', scopes: ['admin'] }, NOW).text;
    for (const wrong of [
      other,
      text.slice(0, -1),
      `${text} `,
      text.toUpperCase(),
      '',
      `tmb_${key.id}_${other.slice(17)}`,
    ]) {
      expect(isTextOf(wrong, key)).toBe(false);
    }
    expect(isTextOf(text, undefined)).toBe(false);
  });

  test('is no key of ours without the form', () => {
    for (const wrong of ['', 'tmb_', 'eyJhbGciOi.e30.x', text.slice(0, -1), `${text}x`, ` ${text}`, `${text}\n`]) {
      expect(keyIdOf(wrong)).toBeUndefined();
    }
  });

  test('expires at its time, and is revoked for good', () => {
    const expiresAt = new Date(NOW.getTime() + 1000);
    const { key: mortal } = newApiKey({ name: 'x', scopes: ['read'], expiresAt }, NOW);
    expect(statusOf(mortal, new Date(NOW.getTime() + 999))).toBe('active');
    expect(statusOf(mortal, expiresAt)).toBe('expired');
    expect(statusOf({ ...mortal, revokedAt: NOW }, NOW)).toBe('revoked');
    expect(() => newApiKey({ name: 'x', scopes: ['read'], expiresAt: NOW }, NOW)).toThrow('expire');
    expect(() => newApiKey({ name: 'x', scopes: [] }, NOW)).toThrow('scope');
    expect(() => newApiKey({ name: 'a\nb', scopes: ['read'] }, NOW)).toThrow('name');
  });

  test('allows its scopes; admin allows all but vectors', () => {
    expect(allows(key, 'read')).toBe(true);
    expect(allows(key, 'enrol')).toBe(false);
    expect(allows(key, 'admin')).toBe(false);
    expect(allows({ ...key, scopes: ['enrol'] }, 'read')).toBe(false);
    expect(allows({ ...key, scopes: ['admin'] }, 'vectors')).toBe(false);
    expect(allows({ ...key, scopes: ['vectors'] }, 'read')).toBe(false);
    for (const scope of ['read', 'enrol', 'admin'] as const)
      expect(allows({ ...key, scopes: ['admin'] }, scope)).toBe(true);
  });
});

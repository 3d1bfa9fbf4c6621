import { readFileSync } from 'node:fs';
import { TimbreError } from '../../../errors/timbre-error.js';
import type { Config } from '../../config/config.js';

/**
 * The address of PostgreSQL with the password that the setting's file holds, where it names one. Errors: INVALID_ARGUMENT,
 * which repeats neither.
 */
export function addressWithPassword({
  databaseUrl,
  databasePasswordFile: file,
}: Pick<Config, 'databaseUrl' | 'databasePasswordFile'>): string {
  if (file === '') return databaseUrl;
  const url = new URL(databaseUrl);
  if (url.password !== '' || url.searchParams.has('password')) {
    const text =
      'TIMBRE_DATABASE_URL has a password, and TIMBRE_DATABASE_PASSWORD_FILE names a file with one: leave one out';
    throw new TimbreError('INVALID_ARGUMENT', text);
  }
  const password = passwordIn(file);
  // An address without a host, as that of a socket, has no place for a password before it.
  if (url.host === '') url.searchParams.set('password', password);
  else url.password = encodeURIComponent(password);
  return url.href;
}

function passwordIn(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const { message } = cause as Error;
    throw new TimbreError('INVALID_ARGUMENT', `TIMBRE_DATABASE_PASSWORD_FILE cannot be read: ${message}`, { cause });
  }
  const password = text.replace(/\r?\n$/, '');
  if (password === '') throw new TimbreError('INVALID_ARGUMENT', `the file of TIMBRE_DATABASE_PASSWORD_FILE is empty`);
  if (/[\r\n\0]/.test(password)) {
    throw new TimbreError('INVALID_ARGUMENT', 'the file of TIMBRE_DATABASE_PASSWORD_FILE has more than a line');
  }
  return password;
}

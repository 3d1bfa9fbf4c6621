import { QueryFailedError, QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';

type StorageCode =
  | 'STORAGE_UNAVAILABLE'
  | 'STORAGE_REFUSED'
  | 'STORAGE_UNSUITABLE'
  | 'STORAGE_INVALID'
  | 'STORAGE_FULL'
  | 'INVALID_ARGUMENT';

type Reason = readonly [code: StorageCode, text: string];

const LOST: Reason = ['STORAGE_UNAVAILABLE', 'the connection to PostgreSQL was lost; try again'];

/** By the code of PostgreSQL, whole or its class (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const REASONS: Readonly<Record<string, Reason>> = {
  '08': LOST,
  '08P01': [
    'STORAGE_UNSUITABLE',
    'what answers there does not speak as PostgreSQL does; where a pooler is in front of it, name PostgreSQL itself',
  ],
  '22021': ['INVALID_ARGUMENT', 'a text has a character that cannot be stored, such as NUL'],
  '25006': [
    'STORAGE_UNAVAILABLE',
    'the database is read-only: name the primary, or give the role its right to write (default_transaction_read_only)',
  ],
  '28': ['STORAGE_REFUSED', 'PostgreSQL refuses the user or the password of TIMBRE_DATABASE_URL'],
  '3D000': ['STORAGE_REFUSED', 'there is no such database; make it: createdb --encoding UTF8 --template template0'],
  '3F000': ['STORAGE_REFUSED', 'there is no such schema, and the role may make none'],
  '42501': ['STORAGE_REFUSED', 'the role lacks a right; it has to own the schema of TIMBRE_DATABASE_SCHEMA'],
  '42P01': ['STORAGE_INVALID', 'a table of the database is missing; restore a backup'],
  '40001': ['STORAGE_UNAVAILABLE', 'others have changed the same again and again; try again'],
  '40P01': ['STORAGE_UNAVAILABLE', 'PostgreSQL ended a deadlock again and again; try again'],
  '53': ['STORAGE_UNAVAILABLE', 'PostgreSQL lacks something: connections or memory; see its log'],
  '53100': ['STORAGE_FULL', 'the disk of the database is full; nothing of this call was stored'],
  '55P03': ['STORAGE_UNAVAILABLE', 'the database was busy, and nothing of this call was done; try again'],
  '57': ['STORAGE_UNAVAILABLE', 'PostgreSQL stops, starts or was told to end this call; try again'],
  '57014': ['STORAGE_UNAVAILABLE', 'PostgreSQL ended a statement that took too long; nothing of this call was stored'],
  '58': ['STORAGE_UNAVAILABLE', 'the system of PostgreSQL failed; see its log'],
  XX001: ['STORAGE_INVALID', 'the database is damaged; restore a backup'],
  XX002: ['STORAGE_INVALID', 'an index of the database is damaged; REINDEX it, or restore a backup'],
};

/** Errors of the network, by their code in Node.js. */
const NETWORK = /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|ENOENT$|EACCES$)/;

/** Codes of Node.js and OpenSSL that a certificate is not trusted with. */
const CERTIFICATE = /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|CERT_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH)/;

/** What the driver says without a code. */
const TEXTS: readonly (readonly [RegExp, Reason])[] = [
  [
    /^SASL|client password must be|password authentication/i,
    ['STORAGE_REFUSED', 'PostgreSQL asks for a password that TIMBRE_DATABASE_URL does not have, or for another one'],
  ],
  [
    /does not support SSL/i,
    ['STORAGE_UNSUITABLE', 'PostgreSQL there has no TLS, and the sslmode of TIMBRE_DATABASE_URL asks for it'],
  ],
  [
    /timeout exceeded when trying to connect|timeout expired|Query read timeout/i,
    ['STORAGE_UNAVAILABLE', 'the database was busy or did not answer, and nothing of this call was done; try again'],
  ],
  [/Connection terminated|Client has encountered a connection error|not queryable|Client was closed/i, LOST],
];

/** PostgreSQL's code of an error of the driver or of TypeORM. */
export function postgresCode(error: unknown): string | undefined {
  const code = (causeOf(error) as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Gives errors of PostgreSQL, of its driver and of the network their place in the error table; everything else passes. */
export function toStorageError(error: unknown): unknown {
  if (error instanceof TimbreError) return error;
  const reason = reasonOf(causeOf(error));
  if (!reason) return error;
  const [code, text] = reason;
  const passes = code === 'STORAGE_UNAVAILABLE' ? { retryAfterSeconds: 1 } : {};
  return new TimbreError(code, text, { cause: error, ...passes });
}

function causeOf(error: unknown): unknown {
  const own: unknown = error instanceof QueryFailedError ? error.driverError : error;
  // Of several addresses, none answered.
  const several = (own as Partial<AggregateError> | null | undefined)?.errors;
  return Array.isArray(several) ? several[0] : own;
}

function reasonOf(error: unknown): Reason | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  // TypeORM takes a connection that is lost away from whoever has it, between two statements too.
  if (error instanceof QueryRunnerAlreadyReleasedError || error instanceof QueryRunnerProviderAlreadyReleasedError) {
    return LOST;
  }
  const { code, message = '' } = error as { code?: unknown; message?: string };
  if (typeof code === 'string') {
    const known = REASONS[code] ?? (/^[0-9A-Z]{5}$/.test(code) ? REASONS[code.slice(0, 2)] : undefined);
    if (known) return known;
    if (NETWORK.test(code)) {
      return [
        'STORAGE_UNAVAILABLE',
        `PostgreSQL cannot be reached (${code}); see that it runs, and TIMBRE_DATABASE_URL`,
      ];
    }
    if (CERTIFICATE.test(code)) {
      const remedy = 'name its authority with sslrootcert= in TIMBRE_DATABASE_URL';
      return ['STORAGE_UNSUITABLE', `the certificate of PostgreSQL is not trusted (${code}); ${remedy}`];
    }
  }
  return TEXTS.find(([text]) => text.test(message))?.[1];
}

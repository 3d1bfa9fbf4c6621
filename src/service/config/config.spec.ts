import { describe, expect, test } from '@jest/globals';
import { join, resolve } from 'node:path';
import { TimbreError } from '../../errors/timbre-error.js';
import { Config, limitsOf, SETTING_NAMES } from './config.js';
import { SETTINGS, type Setting } from './settings.js';

function refusalOf(make: () => unknown): TimbreError {
  try {
    make();
  } catch (error) {
    if (error instanceof TimbreError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('Config.of', () => {
  test('has a default for everything, and is frozen', () => {
    const config = Config.of();
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      sidecarPort: 5001,
      model: 'starter',
      modelCacheDir: resolve('models'),
      device: 'auto',
      maxUploadBytes: 128 * 2 ** 20,
      enrollmentSeconds: 20,
      audioRoots: [],
      uploadDir: join(resolve('data'), 'uploads'),
      dataDir: resolve('data'),
      dataKeyFile: join(resolve('data'), 'data.key'),
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.audioRoots)).toBe(true);
  });

  test('takes values before the environment before defaults; an empty variable is unset', () => {
    const env = { PORT: '8080', EMBEDDING_SERVICE_PORT: ' 6001 ', MODEL_CACHE_DIR: '', HOST: '0.0.0.0' };
    expect(Config.of({ port: 9090 }, env)).toMatchObject({
      port: 9090,
      sidecarPort: 6001,
      modelCacheDir: resolve('models'),
      host: '0.0.0.0',
    });
  });

  test('has PostgreSQL search only where there is one', () => {
    expect(refusalOf(() => Config.of({ vectorIndex: 'pgvector' })).message).toContain(
      '--vector-index (TIMBRE_VECTOR_INDEX) is "pgvector": it is PostgreSQL that searches; name it with TIMBRE_DATABASE_URL',
    );
    const databaseUrl = 'postgres://timbre@localhost/voices';
    expect(Config.of({ vectorIndex: 'pgvector', databaseUrl }).vectorIndex).toBe('pgvector');
    expect(Config.of({ databaseUrl }).vectorIndex).toBe('native');
  });

  test('does not take the address that clients call for one to bind', () => {
    expect(Config.of({}, { EMBEDDING_SERVICE_HOST: 'voices.example' }).host).toBe('127.0.0.1');
  });

  test.each([
    ['TIMBRE_MAX_UPLOAD_BYTES', '1048576', 'maxUploadBytes', 1_048_576],
    ['TIMBRE_MAX_UPLOAD_BYTES', '1.5MiB', 'maxUploadBytes', 1_572_864],
    ['TIMBRE_MAX_UPLOAD_BYTES', '2 GB', 'maxUploadBytes', 2_000_000_000],
    ['EMBEDDING_SERVICE_PORT', 'off', 'sidecarPort', 'off'],
    ['TIMBRE_REQUEST_SECONDS', '0.5', 'requestSeconds', 0.5],
    ['TIMBRE_DEVICE', 'cuda:1', 'device', 'cuda:1'],
    ['TIMBRE_PRECISION', 'bf16', 'precision', 'bf16'],
    ['AUDIO_ROOTS', '/a:/b/../c', 'audioRoots', ['/a', '/c']],
  ] as const)('%s=%s', (variable, text, name, value) => {
    expect(Config.of({}, { [variable]: text })[name]).toEqual(value);
  });

  test('names everything that is wrong at once, by variable and by option', () => {
    const env = {
      PORT: 'http',
      TIMBRE_WORKERS: '-1',
      TIMBRE_DEVICE: 'tpu',
      TIMBRE_PRECISION: 'fp8',
      TIMBRE_FALSE_ACCEPT_RATE: '1',
    };
    const error = refusalOf(() => Config.of({ maxFiles: '1.5' }, env));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toMatch(/^6 settings are wrong/);
    for (const name of [
      'PORT',
      'TIMBRE_WORKERS',
      'TIMBRE_DEVICE',
      'TIMBRE_PRECISION',
      'TIMBRE_FALSE_ACCEPT_RATE',
      '--max-files',
    ]) {
      expect(error.message).toContain(name);
    }
  });

  test('does not repeat a secret', () => {
    const secret: Setting = SETTINGS.dataKey;
    expect(secret.secret).toBe(true);
    const error = refusalOf(() => Config.of({ dataKey: 7 as unknown as string }, { PORT: 'x' }));
    expect(error.message).toContain('TIMBRE_DATA_KEY');
    expect(error.message).not.toContain('7:');
  });

  test('knows no other settings', () => {
    expect(refusalOf(() => Config.of({ prot: 1 } as object)).message).toContain('prot');
  });
});

describe('the table', () => {
  test('names every variable and option once, and every default is valid', () => {
    const rows: Setting[] = SETTING_NAMES.map((name) => SETTINGS[name]);
    for (const key of ['env', 'flag'] as const) expect(new Set(rows.map((row) => row[key])).size).toBe(rows.length);
    for (const row of rows) expect([row.env, row.schema.safeParse(row.default).success]).toEqual([row.env, true]);
  });

  test('limits are those marked as such, and no secret', () => {
    const limits = limitsOf(Config.of());
    expect(limits).toMatchObject({ queueLimit: 256, maxFiles: 32, maxAudioSeconds: 300 });
    expect(limits).not.toHaveProperty('dataKey');
    expect(limits).not.toHaveProperty('dataDir');
  });
});

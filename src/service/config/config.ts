import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { TimbreError } from '../../errors/timbre-error.js';
import { SETTINGS, type Setting, type SettingName } from './settings.js';

/** Every setting of the service, checked. Injectable: the class is its own token. */
export type ConfigValues = {
  readonly [K in SettingName]: (typeof SETTINGS)[K] extends Setting<infer S extends z.ZodType> ? z.output<S> : never;
};

/** What is set, by config key: values, or their text. What is left out has its default. */
export type ConfigInput = { readonly [K in SettingName]?: ConfigValues[K] | string | undefined };

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

// eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unsafe-declaration-merging -- the table is the list of fields
export interface Config extends ConfigValues {}

/** Frozen; folders are absolute. */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class, @typescript-eslint/no-unsafe-declaration-merging -- a class is a token of injection
export class Config {
  private constructor(values: ConfigValues) {
    Object.assign(this, values);
    Object.freeze(this);
  }

  /**
   * Explicit values before the environment's before defaults; an empty variable counts as unset. The whole is checked
   * before anything is said: one INVALID_ARGUMENT names every setting that is wrong.
   */
  static of(given: ConfigInput = {}, env: NodeJS.ProcessEnv = {}): Config {
    const wrong: string[] = [];
    const values: Partial<Record<SettingName, unknown>> = {};
    for (const name of SETTING_NAMES) {
      const setting: Setting = SETTINGS[name];
      const explicit = given[name];
      const fromEnv = env[setting.env]?.trim() || undefined;
      const result = setting.schema.safeParse(explicit ?? fromEnv ?? setting.default);
      if (result.success) {
        values[name] = result.data;
        continue;
      }
      const where = explicit === undefined || setting.secret ? setting.env : `--${setting.flag} (${setting.env})`;
      const value = setting.secret ? '' : ` is ${JSON.stringify(explicit ?? fromEnv)}:`;
      wrong.push(`${where}${value} ${result.error.issues[0]!.message}`);
    }
    if (values['vectorIndex'] === 'pgvector' && values['databaseUrl'] === '') {
      const { flag, env: variable } = SETTINGS.vectorIndex;
      wrong.push(
        `--${flag} (${variable}) is "pgvector": it is PostgreSQL that searches; name it with TIMBRE_DATABASE_URL`,
      );
    }
    for (const name of Object.keys(given)) {
      if (!Object.hasOwn(SETTINGS, name)) wrong.push(`${name}: there is no such setting`);
    }
    if (wrong.length > 0) {
      const lead = `${wrong.length === 1 ? 'a setting is' : `${wrong.length} settings are`} wrong`;
      throw new TimbreError('INVALID_ARGUMENT', `${lead}:\n${wrong.map((line) => `  ${line}`).join('\n')}`, {
        details: { settings: wrong },
      });
    }
    return new Config(withFolders(values as ConfigValues));
  }
}

function withFolders(values: ConfigValues): ConfigValues {
  const dataDir = resolve(values.dataDir);
  const dataKeyFile = values.dataKeyFile ? resolve(values.dataKeyFile) : join(dataDir, 'data.key');
  return {
    ...values,
    modelCacheDir: resolve(values.modelCacheDir),
    audioRoots: Object.freeze(values.audioRoots.map((root) => resolve(root))),
    uploadDir: values.uploadDir ? resolve(values.uploadDir) : join(dataDir, 'uploads'),
    dataDir,
    dataKeyFile,
    epochFile: values.epochFile ? resolve(values.epochFile) : `${dataKeyFile}.epoch`,
    databasePasswordFile: values.databasePasswordFile ? resolve(values.databasePasswordFile) : '',
    calibrationFile: values.calibrationFile ? resolve(values.calibrationFile) : '',
  };
}

/** The bounds on what callers may ask for, by config key. */
export function limitsOf(config: Config): Record<string, unknown> {
  const names = SETTING_NAMES.filter((name) => (SETTINGS[name] as Setting).limit);
  return Object.fromEntries(names.map((name) => [name, config[name]]));
}

import { TimbreError } from '../../errors/timbre-error.js';
import { Config, type ConfigInput } from '../config/config.js';
import { SETTINGS, type SettingName } from '../config/settings.js';

/** What belongs to the listener and the log, which are the application's own. */
const OF_THE_HOST = ['port', 'basePath', 'corsOrigins', 'logLevel'] as const satisfies SettingName[];
/** What concerns the sidecar's port alone where the API has none of its own. */
const OF_THE_SIDECAR = [
  'host',
  'headerSeconds',
  'maxConnections',
  'openSidecar',
  'maxBatchPaths',
  'batchSeconds',
] as const satisfies SettingName[];

/**
 * The settings of the module in another application: what is given, then the environment, then the defaults; the
 * sidecar's port is off unless it is given. Variables that mean the listener are the application's and are not read.
 * Errors: INVALID_ARGUMENT, also for settings that would do nothing there.
 */
export function settingsOfAHost(given: ConfigInput, env: NodeJS.ProcessEnv): Config {
  const sidecar = given.sidecarPort ?? 'off';
  const idle: readonly SettingName[] = sidecar === 'off' ? [...OF_THE_HOST, ...OF_THE_SIDECAR] : OF_THE_HOST;
  const useless = idle.filter((name) => given[name] !== undefined);
  if (useless.length > 0) {
    const why = useless.some((name) => (OF_THE_HOST as readonly string[]).includes(name))
      ? 'the application listens and logs by itself'
      : 'no port of the sidecar is opened (sidecarPort)';
    throw new TimbreError('INVALID_ARGUMENT', `${useless.join(', ')} would do nothing in a module: ${why}`, {
      details: { settings: useless },
    });
  }
  const unread = new Set<string>(idle.map((name) => SETTINGS[name].env));
  const read = Object.fromEntries(Object.entries(env).filter(([name]) => !unread.has(name)));
  return Config.of({ ...given, sidecarPort: sidecar }, read);
}

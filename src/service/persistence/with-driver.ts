import { TimbreError } from '../../errors/timbre-error.js';
import { POSTGRES_PACKAGE, postgresPackage } from '../../support/package.js';

/** Loads what needs the driver of PostgreSQL. Errors: INVALID_ARGUMENT where it is not installed, saying what to run. */
export async function withDriver<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const { code, message = '' } = cause as { code?: unknown; message?: string };
    const missing = code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${POSTGRES_PACKAGE}'`);
    if (!missing) throw cause;
    const text = `TIMBRE_DATABASE_URL needs a package that is not installed; run npm install --ignore-scripts '${postgresPackage()}'`;
    throw new TimbreError('INVALID_ARGUMENT', text, { cause });
  }
}

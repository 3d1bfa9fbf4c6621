import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ModelFolders {
  /** Where bundles are made and looked up by id: `MODEL_CACHE_DIR`, else `./models`. */
  cache: string;
  /** The bundles that come with the package; read only. */
  own: string;
}

export function modelFolders(env: NodeJS.ProcessEnv = process.env): ModelFolders {
  return {
    cache: resolve(env.MODEL_CACHE_DIR || 'models'),
    own: fileURLToPath(new URL('../../models/', import.meta.url)),
  };
}

import { errorBodyOf } from '../http/error.filter.js';
import { createApplication } from '../http/http-adapter.js';
import { createLog, NestLog } from '../http/logging.js';
import { Config } from '../config/config.js';
import { describeApi } from './openapi.js';
import { ServiceModule } from './service.module.js';

/** docs/openapi.json, without a service that runs. `folder` holds a database for the moment. */
export async function openApiPage(folder: string): Promise<string> {
  const config = Config.of({ dataDir: folder });
  const log = new NestLog(createLog('error', process.stderr));
  const app = await createApplication(ServiceModule.with(config), config, errorBodyOf, log);
  try {
    return `${JSON.stringify(describeApi(app), null, 2)}\n`;
  } finally {
    await app.close();
  }
}

// The service in a process of its own; its parent asks for the delay of its event loop: 'watch' ... 'delay' -> { delayP99 }.
import process from 'node:process';
import { startService } from '../../dist/service/app/service.js';
import { createLog } from '../../dist/service/http/logging.js';
import { Config } from '../../dist/service/config/config.js';
import { watchEventLoop } from './lanes.mjs';

const [model, dataDir] = /** @type {[string, string]} */ (process.argv.slice(2));
const config = Config.of(
  {
    port: 0,
    sidecarPort: 'off',
    model,
    dataDir,
    logLevel: 'warn',
    rateLimit: 0,
    enrollmentSeconds: 1,
    consent: 'optional',
  },
  process.env,
);
const service = await startService(config, createLog(config.logLevel, process.stderr));
await service.ready();
let stop = () => 0;
process.on('disconnect', () => void service.close());
process.on('message', (/** @type {'watch' | 'delay'} */ word) => {
  if (word === 'watch') stop = watchEventLoop();
  if (word === 'delay') process.send?.({ delayP99: stop() });
});
process.send?.({ url: service.url, key: service.grant('bench') });

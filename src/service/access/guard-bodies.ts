import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AccessGuard } from './access.guard.js';

/** JSON is read before a route and its scope are known: only for those who have a key, where one is needed. */
export function guardBodies(app: NestFastifyApplication, guard: AccessGuard): void {
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('preParsing', async ({ raw }, _reply, payload) => {
    if (/^application\/json\b/i.test(raw.headers['content-type'] ?? '')) await guard.identify(raw);
    return payload;
  });
}

import type { INestApplication } from '@nestjs/common';
import type { Server } from 'node:http';
import { TimbreError } from '../../errors/timbre-error.js';

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken: stop what listens there, or choose another',
  EACCES: 'the port needs privileges: choose one above 1023',
  EADDRNOTAVAIL: 'the address is not one of this machine (HOST)',
  ENOTFOUND: 'the address is not one of this machine (HOST)',
};

/** Errors: INVALID_ARGUMENT that names the variable of the port. */
export async function listen(app: INestApplication, port: number, host: string, variable: string): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (error) {
    const reason = REASONS[(error as NodeJS.ErrnoException).code ?? ''];
    if (reason === undefined) throw error;
    const text = `cannot listen on ${host}, port ${port} (${variable}): ${reason}`;
    throw new TimbreError('INVALID_ARGUMENT', text, { cause: error });
  }
}

/** `http://127.0.0.1:3000` */
export function addressOf(app: INestApplication): string {
  const address = (app.getHttpServer() as Server).address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

// Fails when a file includes or imports what its room may not: one third-party header, one room.
import { ROOT } from './setup/entry.mjs';
import { violations } from './lint/rooms.mjs';

const found = violations(process.argv[2] ?? ROOT);
for (const line of found) process.stdout.write(`${line}\n`);
if (found.length > 0) process.exitCode = 1;

// Fails when the built addon lacks a protection that it is compiled with.
import { ROOT } from './setup/entry.mjs';
import { missing } from './lint/hardening.mjs';

const found = missing(process.argv[2] ?? ROOT);
for (const line of found) process.stdout.write(`${line}\n`);
if (found.length > 0) process.exitCode = 1;

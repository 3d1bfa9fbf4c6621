#!/usr/bin/env node
// The `timbre` command. A command is a file of this folder that exports `register`; program.ts lists them all.
import { run } from './program.js';

const controller = new AbortController();
const ended: { by?: NodeJS.Signals; readerGone?: true } = {};

// The first signal stops the work and lets it clean up, the second ends the process where it stands.
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    ended.by ??= name;
    controller.abort();
  });
}

// A reader that went away (`| head`) has what it wanted: stop, and say nothing.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && !ended.readerGone) throw error;
    ended.readerGone = true;
    controller.abort();
  });
}

process.exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: () => process.stdin,
  env: process.env,
  signal: controller.signal,
});
if (ended.by !== undefined) {
  // Dying of the signal itself is what a shell needs to stop a loop around the command.
  process.removeAllListeners(ended.by);
  process.kill(process.pid, ended.by);
} else if (ended.readerGone) {
  process.exitCode = 128 + 13; // what SIGPIPE gives
}

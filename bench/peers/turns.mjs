// A contender of bench/js/conversations.mjs, in a process of its own: JSON, one line an order and one an answer.
//
//   (start)                        -> {"ready": name and version}, its networks loaded
//   {"file", "speakers": n?}       -> {"turns": [[start, end, speaker], ...], "cpu", "wall"}, seconds from file to turns
//   {"end": true}                  -> {"peakMb": resident memory at most}, and the process ends
//
// bench/python/turns_peer.py speaks the same.
import process from 'node:process';
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';

/** @typedef {[start: number, end: number, speaker: string]} Turn */

/** @param {object} message */
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/**
 * @param {string} ready name and version
 * @param {(file: string, speakers: number | undefined) => Turn[] | Promise<Turn[]>} turnsOf
 */
export async function serveTurns(ready, turnsOf) {
  say({ ready });
  for await (const line of createInterface({ input: process.stdin })) {
    const { file, speakers } = /** @type {{ file?: string, speakers?: number }} */ (JSON.parse(line));
    if (file === undefined) {
      const kilobytes = /^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
      say({ peakMb: Number(kilobytes) / 1000 });
      break;
    }
    const before = process.cpuUsage();
    const began = performance.now();
    const turns = await turnsOf(file, speakers);
    const wall = (performance.now() - began) / 1000;
    const { user, system } = process.cpuUsage(before);
    say({ turns, wall, cpu: (user + system) / 1e6 });
  }
}

// What protects the built addon, and the program that decodes beside it, against those who overwrite memory, read from its file and from how it was compiled.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ask } from '../setup/commands.mjs';

/** @typedef {{ what: string, holds: boolean }} Finding */

/**
 * Protections that an ELF file lacks, a sentence each.
 * @param {string} file
 * @param {string} [architecture] as Node.js calls it
 * @returns {string[]}
 */
export function missingIn(file, architecture = process.arch) {
  const { ok, stdout, stderr } = ask('readelf', ['-W', '-h', '-l', '-d', '-n', '--dyn-syms', file], {
    env: process.env,
  });
  if (!ok) return [`readelf cannot read ${file}: ${stderr.trim()}`];
  const segment = (/** @type {string} */ name) => stdout.split('\n').find((line) => line.trim().startsWith(name)) ?? '';
  const flags = stdout.match(/\((FLAGS|FLAGS_1)\).*/g)?.join(' ') ?? '';
  /** @type {Finding[]} */
  const findings = [
    {
      what: 'no code is position dependent (-fPIC)',
      holds: /^\s*Type:\s+DYN\b/m.test(stdout) && !/\bTEXTREL\b/.test(stdout),
    },
    { what: 'relocations become read-only (-z relro)', holds: segment('GNU_RELRO') !== '' },
    { what: 'all of them before anything runs (-z now)', holds: /\bBIND_NOW\b|\bNOW\b/.test(flags) },
    { what: 'the stack is not executable (-z noexecstack)', holds: /\bRW\s/.test(segment('GNU_STACK')) },
    { what: 'overwritten stacks are seen (-fstack-protector-strong)', holds: /__stack_chk_fail\b/.test(stdout) },
  ];
  if (architecture === 'x64') {
    // The linker's own note is no help: it is left out as soon as one of the system's start files lacks it.
    findings.push({ what: 'calls land on marked places only (-fcf-protection)', holds: hasLandingPads(file, stdout) });
  }
  return findings.filter(({ holds }) => !holds).map(({ what }) => `${path.basename(file)}: it is not so that ${what}`);
}

const ENDBR64 = Buffer.from([0xf3, 0x0f, 0x1e, 0xfa]);

/**
 * Whether every function that a file exports begins with the instruction at which the processor lets a call arrive. A
 * program exports none.
 * @param {string} file
 * @param {string} described by readelf
 */
function hasLandingPads(file, described) {
  const bytes = readFileSync(file);
  const segments = [...described.matchAll(/^\s*LOAD\s+0x(\w+) 0x(\w+) 0x\w+ 0x(\w+)/gm)].map((match) =>
    match.slice(1).map((digits) => parseInt(digits, 16)),
  );
  const functions = [...described.matchAll(/^\s*\d+: (\w+)\s+\d+ FUNC\s+(?:GLOBAL|WEAK)\s+\w+\s+\d+ /gm)];
  return (
    (functions.length > 0 || described.includes('program interpreter')) &&
    functions.every(([, value = '']) => {
      const at = parseInt(value, 16);
      const [offset = 0, start = 0] = segments.find(([, from = 0, size = 0]) => at >= from && at < from + size) ?? [];
      return bytes.subarray(at - start + offset, at - start + offset + ENDBR64.length).equals(ENDBR64);
    })
  );
}

/** What no file of ours may have been compiled without. */
const COMPILED_WITH = [
  '-fstack-protector-strong',
  '-fstack-clash-protection',
  '-D_FORTIFY_SOURCE=3',
  '-fPIC',
  ...(process.arch === 'x64' ? ['-fcf-protection=full'] : []),
  ...(process.arch === 'arm64' ? ['-mbranch-protection=standard'] : []),
];

/**
 * Files of ours that were compiled without a protection, a sentence each.
 * @param {string} commands a compile_commands.json
 * @param {string} sources folder of what is ours
 * @returns {string[]}
 */
export function missingFrom(commands, sources) {
  /** @type {{ file: string, command: string }[]} */
  const all = JSON.parse(readFileSync(commands, 'utf8'));
  const ours = all.filter(({ file }) => file.startsWith(sources + path.sep));
  if (ours.length === 0) return [`${commands} names no file below ${sources}`];
  return ours.flatMap(({ file, command }) =>
    COMPILED_WITH.filter((flag) => !command.replace('-fPIE', '-fPIC').split(' ').includes(flag)).map(
      (flag) => `${path.relative(path.dirname(sources), file)}: compiled without ${flag}`,
    ),
  );
}

/**
 * Everything that the addon of this project, and its program, lack.
 * @param {string} root
 * @returns {string[]}
 */
export function missing(root) {
  const addon = path.join(root, 'build', 'Release', 'timbre.node');
  const decoder = path.join(root, 'build', 'Release', 'timbre-decoder');
  const commands = path.join(root, 'build', 'compile_commands.json');
  const gone = [addon, decoder, commands].find((file) => !existsSync(file));
  if (gone) return [`${gone} is not there; run \`npm run setup\``];
  return [...missingIn(addon), ...missingIn(decoder), ...missingFrom(commands, path.join(root, 'native'))];
}

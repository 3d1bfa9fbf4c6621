import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { missing, missingFrom, missingIn } from '../../scripts/lint/hardening.mjs';
import { onHardware } from '../hardware.js';
import { ROOT } from '../../scripts/setup/entry.mjs';

let folder: string;

const PROTECTED = ['-O2', '-fPIC', '-fstack-protector-strong', '-D_FORTIFY_SOURCE=3', '-fcf-protection=full'];
const LINKED = ['-Wl,-z,relro', '-Wl,-z,now', '-Wl,-z,noexecstack'];

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'timbre-hardening-'));
  const source =
    'extern "C" __attribute__((visibility("default"))) int f(int n) { volatile char b[64]; b[n] = 1; return b[2]; }';
  writeFileSync(path.join(folder, 'f.cpp'), source);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A shared library compiled with these flags. */
function library(name: string, flags: readonly string[]): string {
  const file = path.join(folder, `${name}.so`);
  execFileSync('g++', ['-shared', ...flags, path.join(folder, 'f.cpp'), '-o', file]);
  return file;
}

describe('the check of the addon', () => {
  it('finds nothing missing in the addon of this project and its program', () => {
    expect(missing(ROOT)).toEqual([]);
  });

  onHardware('x86-64', process.arch === 'x64', () => {
    it('finds nothing missing in a library that has everything', () => {
      expect(missingIn(library('all', [...PROTECTED, ...LINKED]))).toEqual([]);
    });

    it.each([
      ['-fstack-protector-strong', /stacks are seen/],
      ['-fcf-protection=full', /-fcf-protection/],
      ['-Wl,-z,now', /-z now/],
      ['-Wl,-z,relro', /-z relro/],
      ['-Wl,-z,noexecstack', /not executable/],
    ])('says so when %s is missing', (flag, says) => {
      const without: Record<string, string[]> = {
        '-Wl,-z,relro': ['-Wl,-z,norelro'],
        '-Wl,-z,noexecstack': ['-Wl,-z,execstack'],
        '-fcf-protection=full': ['-fcf-protection=none'],
      };
      const flags = [...PROTECTED, ...LINKED].filter((each) => each !== flag);
      const found = missingIn(library(flag.replace(/\W/g, '_'), [...flags, ...(without[flag] ?? [])]));
      expect(found).toEqual([expect.stringMatching(says)]);
    });
  });

  it('says which file was compiled without a flag, and leaves the files of others alone', () => {
    const commands = path.join(folder, 'compile_commands.json');
    const sources = path.join(folder, 'native');
    const all = ['-fstack-protector-strong', '-fstack-clash-protection', '-D_FORTIFY_SOURCE=3', '-fPIC'];
    const control = ['-fcf-protection=full', '-mbranch-protection=standard'];
    const command = ['c++', ...all, ...control].join(' ');
    writeFileSync(
      commands,
      JSON.stringify([
        { file: path.join(sources, 'good.cpp'), command },
        { file: path.join(sources, 'bad.cpp'), command: command.replace('-D_FORTIFY_SOURCE=3', '-D_FORTIFY_SOURCE=2') },
        { file: path.join(folder, 'elsewhere', 'other.cpp'), command: 'c++' },
      ]),
    );
    expect(missingFrom(commands, sources)).toEqual([`native${path.sep}bad.cpp: compiled without -D_FORTIFY_SOURCE=3`]);
  });
});

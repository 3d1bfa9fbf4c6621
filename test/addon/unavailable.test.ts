import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { whyUnavailable, type LoadFailure } from '../../src/addon/unavailable.js';
import { runNode, Workshop, type Ended } from './support.js';

let workshop: Workshop;

beforeAll(async () => {
  workshop = await Workshop.open();
});

afterAll(() => workshop.remove());

const SCRIPT = `
  import { SpeakerEncoder } from '#timbre';
  const error = await SpeakerEncoder.load({ model: './any.pt' }).catch((error) => error);
  console.log(error.code + '|' + error.message);
`;

/** Loads the addon of a package whose addon is this file, and tells what was thrown. */
async function loadWith(name: string, addon?: (file: string) => Promise<void>): Promise<Ended> {
  const folder = await workshop.package(name, false);
  await mkdir(join(folder, 'build', 'Release'), { recursive: true });
  await addon?.(join(folder, 'build', 'Release', 'timbre.node'));
  return runNode(folder, SCRIPT);
}

describe('without its addon the package can be imported, and says what to do when it is used', () => {
  test('not built', async () => {
    const { code, stdout, stderr } = await loadWith('unbuilt');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ADDON_UNAVAILABLE\|.*not built.*setup/);
  });

  test('damaged, or of another machine', async () => {
    const text = await loadWith('text', (file) => writeFile(file, 'no library\n'.repeat(100)));
    expect(text.stdout).toMatch(/^ADDON_UNAVAILABLE\|.*damaged.*setup/);
    const other = await loadWith('other', async (file) => {
      await copyFile(process.execPath, file);
      // e_machine of an ELF header: SPARC.
      const { open } = await import('node:fs/promises');
      const handle = await open(file, 'r+');
      await handle.write(Uint8Array.of(2, 0), 0, 2, 18);
      await handle.close();
    });
    expect(other.stdout).toMatch(/^ADDON_UNAVAILABLE\|.*setup/);
  });
});

describe("under Node.js's permission model", () => {
  const load = async (name: string, ...allowed: string[]): Promise<string> => {
    const folder = await workshop.package(name, false);
    await mkdir(join(folder, 'build', 'Release'), { recursive: true });
    await writeFile(join(folder, 'build', 'Release', 'timbre.node'), 'no library\n'.repeat(100));
    const [major = 0] = process.versions.node.split('.').map(Number);
    const model = major < 23 ? '--experimental-permission' : '--permission';
    return (await runNode(folder, SCRIPT, [model, ...allowed])).stdout;
  };

  test('it says what to allow', async () => {
    expect(await load('no-addons', '--allow-fs-read=*')).toMatch(/^ADDON_UNAVAILABLE\|.*--allow-addons/);
    // As far as the loader, which finds that this one is damaged.
    expect(await load('addons', '--allow-fs-read=*', '--allow-addons')).toMatch(/^ADDON_UNAVAILABLE\|.*damaged/);
  });
});

describe('the remedy fits the cause', () => {
  const here: LoadFailure = {
    file: '/p/build/Release/timbre.node',
    exists: true,
    message: '',
    platform: 'linux',
    architecture: 'x64',
    glibc: '2.36',
  };

  test.each<[string, Partial<LoadFailure>, RegExp]>([
    ['another system', { platform: 'darwin' }, /Linux.*darwin.*container/],
    ['another processor', { architecture: 'ia32' }, /ia32.*64-bit Node/],
    ['musl', { glibc: undefined }, /musl.*Debian/],
    ['not built', { exists: false }, /not built.*npm run setup/],
    ['addons are forbidden', { denied: 'addons' }, /permission model.*--allow-addons/],
    ['files are forbidden', { exists: false, denied: 'reading' }, /permission model.*timbre\.node.*--allow-fs-read/],
    [
      'LibTorch moved',
      { message: 'libtorch_cpu.so: cannot open shared object file: No such file or directory' },
      /libtorch_cpu\.so of LibTorch is no longer where it was.*setup/,
    ],
    [
      'a system library is missing',
      { message: 'libsndfile.so.1: cannot open shared object file: No such file or directory' },
      /system library libsndfile\.so\.1 is missing: install/,
    ],
    [
      'built on a newer system',
      { message: "/lib/libm.so.6: version `GLIBC_2.38' not found (required by /p/timbre.node)" },
      /needs GLIBC_2\.38.*has glibc 2\.36.*Build it here/,
    ],
    ['wrong class', { message: '/p/timbre.node: wrong ELF class: ELFCLASS32' }, /another machine than this x64 one/],
    ['anything else', { message: 'undefined symbol: _ZN3foo' }, /undefined symbol: _ZN3foo.*setup/],
  ])('%s', (_name, failure, says) => {
    expect(whyUnavailable({ ...here, ...failure })).toMatch(says);
  });
});

import { describe, expect, test } from '@jest/globals';
import { timbre } from './support.js';

/** Every command and sub-command, as the help lists them. */
async function commands(...path: string[]): Promise<string[][]> {
  const { stdout } = await timbre([...path, '--help']);
  const listed = /^Commands:\n((?: +.*\n?)*)/m.exec(stdout)?.[1] ?? '';
  const names = [...listed.matchAll(/^ {2}([\w-]+)/gm)].map(([, name]) => name!).filter((name) => name !== 'help');
  const below = await Promise.all(names.map((name) => commands(...path, name)));
  return names.flatMap((name, i) => [[...path, name], ...below[i]!]);
}

describe('help', () => {
  test('of every command says what it is for and shows an example', async () => {
    const all = await commands();
    expect(all.map((path) => path.join(' '))).toEqual(
      expect.arrayContaining(['embed', 'compare', 'models', 'models pull', 'models export', 'doctor']),
    );
    for (const path of all) {
      const { status, stdout, stderr } = await timbre([...path, '--help']);
      expect({ path, status, stderr }).toEqual({ path, status: 0, stderr: '' });
      expect(stdout).toMatch(/^Usage: timbre /);
      expect(stdout).toMatch(new RegExp(`^Examples?:\\n +timbre ${path.join(' ')}\\b`, 'm'));
    }
  });

  test('a command that does not exist suggests one that does', async () => {
    const { status, stdout, stderr } = await timbre(['embd']);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('Did you mean embed?');
  });

  test('a variable with a wrong value is named', async () => {
    const { status, stderr } = await timbre(['embed', 'x.wav'], { env: { TIMBRE_DEVICE: 'gpu' } });
    expect(status).toBe(2);
    expect(stderr).toContain('TIMBRE_DEVICE');
  });
});

import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';

/** The table of containers in docs/api.md is that of native/core/audio/container.cpp. */

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const source = read('native/core/audio/container.cpp');
const names = [...source.matchAll(/ContainerKind::k\w+, "([^"]+)"|\bname = "([^"]+)"/g)].map(([, a, b]) => a ?? b);
const section = read('docs/api.md').split('### Containers and codecs')[1]!.split('\n###')[0]!;
const rows = section
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| name') && !line.startsWith('| ---'))
  .map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );

describe('the table of containers and codecs', () => {
  it('has every container that is opened, and no other', () => {
    const documented = rows.flatMap(([cell]) => cell!.split(', ')).filter((name) => name !== '');
    expect(new Set(names).size).toBeGreaterThan(25);
    expect(new Set(documented)).toEqual(new Set(names));
    expect(documented).toHaveLength(new Set(documented).size);
  });

  it('says of every row who reads it and when it is not whole', () => {
    for (const row of rows) {
      expect(row).toHaveLength(5);
      expect(row.slice(2).every((cell) => cell.length > 2)).toBe(true);
      expect(row[3]).toMatch(/libsndfile|libmpg123|libFLAC|libopus|ffmpeg|as WAV/);
    }
  });

  it('names what each kind of stranger is', () => {
    const refused = section.split('Refused in any case')[1]!;
    const strangers = source.split('kStrangers')[1]!.split('});')[0]!;
    const words = ['ZIP', 'gzip', '7z', 'RAR', 'PDF', 'MIDI', 'picture', 'playlist', '"\\._', 'data:'];
    for (const word of words) {
      expect(strangers).toContain(word.replace('"\\', '\\"'));
      expect(refused).toContain(word.replace('"\\', '`'));
    }
  });
});

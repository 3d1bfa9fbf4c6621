// Sample recordings, spoken by a synthesiser: something to try Timbre on before there are recordings of one's own.
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { run, which } from '../commands.mjs';
import { digest, readStamp, writeStamp } from '../stamps.mjs';

/** Voices of espeak-ng, and names for them. */
const VOICES = [
  { speaker: 'anna', voice: 'en-us+Annie', pitch: 62, speed: 155 },
  { speaker: 'ben', voice: 'en-gb+benjamin', pitch: 40, speed: 150 },
  { speaker: 'carla', voice: 'en-us+linda', pitch: 50, speed: 165 },
  { speaker: 'david', voice: 'en-gb-scotland+Gene', pitch: 30, speed: 145 },
];

const SENTENCES = [
  'My voice is my password, and nobody else should be able to use it. Please verify me before you open the door, and close it again when I have left the house.',
  'The north wind and the sun were disputing which of them was the stronger, when a traveller came along wrapped in a warm cloak.',
  'She had your dark suit in greasy wash water all year, and on Thursday the whole street was covered with fresh snow.',
  'When the sunlight strikes raindrops in the air, they act as a prism and form a rainbow that takes the shape of an arch.',
];

export const SAMPLES = VOICES.flatMap(({ speaker, ...voice }) =>
  SENTENCES.map((sentence, index) => ({ speaker, sentence, ...voice, file: `samples/${speaker}-${index + 1}.wav` })),
);

const STAMP = 'samples/.timbre-setup';

/** @type {import('../context.mjs').Step} */
export const samples = {
  name: 'samples',
  needs: ['system'],

  inspect({ root, env }) {
    const ready = SAMPLES.every(({ file }) => existsSync(path.join(root, file)));
    if (ready && readStamp(path.join(root, STAMP)) === digest(root, [], SAMPLES)) {
      return { ready: true, says: `${SAMPLES.length} recordings of synthetic voices in samples/` };
    }
    if (!which('espeak-ng', env)) return { ready: true, says: 'none: espeak-ng, which speaks them, is not installed' };
    return { ready: false, says: 'no sample recordings in samples/' };
  },

  async run(context) {
    const { root, env, say, options } = context;
    say(`espeak-ng speaks ${SAMPLES.length} recordings`);
    mkdirSync(path.join(root, 'samples'), { recursive: true });
    for (const { file, voice, pitch, speed, sentence } of SAMPLES) {
      const words = ['-v', voice, '-p', String(pitch), '-s', String(speed), '-w', path.join(root, file), sentence];
      await run('espeak-ng', words, {
        cwd: root,
        env,
        log: context.log('samples'),
        verbose: options.verbose,
        what: 'making sample recordings',
      });
    }
    writeStamp(path.join(root, STAMP), digest(root, [], SAMPLES));
  },
};

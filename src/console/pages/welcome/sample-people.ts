import type { Answer, TimbreClient } from '../../../client/index.js';
import { sampleFile } from '../../api/samples.js';

/** Ids of people who are made of samples: so they are known for what they are, and are easily erased. */
export const SAMPLE_PREFIX = 'sample-';

/** Of each voice, all but the last recording are enrolled; the last one is tried. */
export function tryOf(samples: readonly { name: string; voice: string }[], voice: string): string | undefined {
  return samples.filter((sample) => sample.voice === voice).at(-1)?.name;
}

/** Enrols a synthetic voice. The same again changes nothing. */
export async function enrolSample(
  api: TimbreClient,
  samples: readonly { name: string; voice: string }[],
  voice: string,
): Promise<Answer<'enrol'>['speaker']> {
  const id = SAMPLE_PREFIX + voice;
  await api.call('putSpeaker', {
    id,
    json: {
      name: `${voice[0]!.toUpperCase()}${voice.slice(1)} (synthetic)`,
      // Nobody is behind it who could agree; where the service asks for a consent, it says so.
      consent: { method: 'synthetic voice, nobody', textVersion: 'none', givenBy: 'nobody' },
    },
  });
  const names = samples.filter((sample) => sample.voice === voice).map(({ name }) => name);
  const audio = await Promise.all(names.slice(0, -1).map((name) => sampleFile(api, name)));
  return (await api.call('enrol', { id, form: { audio } })).speaker;
}

import { stat } from 'node:fs/promises';
import { basename, extname, relative, resolve, sep } from 'node:path';
import type { SpeakerEncoder } from '../addon/index.js';
import { TimbreError } from '../errors/timbre-error.js';
import { profileOf, type EnrolledVoice } from '../scoring/voice-names.js';
import type { Cli } from './cli.js';
import { inputOf, namedRecordings, recordingsBelow, type Given } from './recordings.js';

/** Somebody, and recordings of this voice alone. */
export interface Candidate {
  id: string;
  recordings: Given[];
}

/**
 * The people that recordings and folders mean. In a folder each folder is a person, with all recordings below it; a
 * recording is of the person that it is named after, without the number at the end: `ada-1.wav` and `ada-2.wav` are Ada's.
 * A name that is all number is the folder's. Errors: INVALID_ARGUMENT where there is nobody.
 */
export async function findCandidates(cli: Cli, paths: readonly string[]): Promise<Candidate[]> {
  const people = new Map<string, Given[]>();
  for (const path of paths) {
    if (path === '-') throw new TimbreError('INVALID_ARGUMENT', 'candidates are files and folders, not -');
    const folder = (await stat(path).catch(() => undefined))?.isDirectory() === true;
    const recordings = folder ? await recordingsBelow(cli, path) : await namedRecordings(cli, path);
    if (recordings.length === 0) throw new TimbreError('INVALID_ARGUMENT', `no recordings of candidates in ${path}`);
    for (const recording of recordings) {
      const id = personOf(recording.path, folder ? path : undefined);
      people.set(id, [...(people.get(id) ?? []), recording]);
    }
  }
  return [...people].map(([id, recordings]) => ({ id, recordings })).sort((a, b) => (a.id < b.id ? -1 : 1));
}

function personOf(path: string, folder: string | undefined): string {
  const [first, ...below] = folder === undefined ? [basename(path)] : relative(folder, path).split(sep);
  if (below.length > 0) return first!;
  const stem = basename(first!, extname(first!));
  const name = stem.replace(/[\s_.-]*\d+$/, '');
  return name === '' ? basename(resolve(path, '..')) : name;
}

/**
 * Profiles of people from their recordings. A recording that fails does not stop the others; somebody whose recordings all
 * fail is no candidate. Errors: INVALID_ARGUMENT where nobody is left; those that concern the encoder.
 */
export async function enrolCandidates(
  cli: Cli,
  encoder: SpeakerEncoder,
  candidates: readonly Candidate[],
): Promise<EnrolledVoice[]> {
  const all = candidates.flatMap(({ id, recordings }) => recordings.map((recording) => ({ id, recording })));
  const progress = cli.progress('voices of candidates', all.length, 'files');
  const items = await encoder
    .embedBatch(
      all.map(({ recording }) => inputOf(recording)),
      { signal: cli.signal, onProgress: ({ done, failed }) => progress.update(done, { failed }) },
    )
    .finally(() => progress.stop());
  const heard = new Map<string, { embedding: Float32Array; seconds: number }[]>();
  for (const [index, item] of items.entries()) {
    const { id, recording } = all[index]!;
    if ('error' in item) {
      if (item.error.code === 'ABORTED') throw item.error;
      cli.fail(item.error, recording.path);
    } else if (item.result.speech.seconds > 0) {
      const { embedding, speech } = item.result;
      heard.set(id, [...(heard.get(id) ?? []), { embedding, seconds: speech.seconds }]);
    } else {
      cli.fail(new TimbreError('NO_SPEECH', 'nobody is heard'), recording.path);
    }
  }
  if (heard.size === 0) throw new TimbreError('INVALID_ARGUMENT', 'no recording of a candidate could be used');
  return [...heard].map(([id, recordings]) => ({
    id,
    embedding: profileOf(recordings),
    seconds: recordings.reduce((sum, { seconds }) => sum + seconds, 0),
    recordings: recordings.length,
  }));
}

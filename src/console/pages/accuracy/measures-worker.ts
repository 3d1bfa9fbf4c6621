import { measure, type Measures } from './measures.js';
import { measurePeople, type EnrolledTrials, type PeopleMeasures } from './people-measures.js';
import { readScoredList } from './scored-list.js';

/** What the worker answers to a list, or to trials of people. */
export type MeasuresMessage =
  { is: 'measures'; measures: Measures } | ({ is: 'people' } & PeopleMeasures) | { is: 'refused'; why: string };

/** The page's types know the window; a worker posts to its page. */
const page = self as unknown as { postMessage: (message: MeasuresMessage) => void };

async function told(source: File | EnrolledTrials): Promise<MeasuresMessage> {
  if (!(source instanceof File)) return { is: 'people', ...measurePeople(source) };
  return { is: 'measures', measures: measure(readScoredList(await source.text())) };
}

self.addEventListener('message', ({ data }: MessageEvent<File | EnrolledTrials>) => {
  told(data)
    .then((message) => page.postMessage(message))
    .catch((error: unknown) => page.postMessage({ is: 'refused', why: (error as Error).message }));
});

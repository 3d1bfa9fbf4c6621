import { measure, type Measures } from './measures.js';
import { readScoredList } from './scored-list.js';

/** What the worker answers to a list. */
export type MeasuresMessage = { is: 'measures'; measures: Measures } | { is: 'refused'; why: string };

/** The page's types know the window; a worker posts to its page. */
const page = self as unknown as { postMessage: (message: MeasuresMessage) => void };

self.addEventListener('message', (event: MessageEvent<File>) => {
  event.data
    .text()
    .then((text) => page.postMessage({ is: 'measures', measures: measure(readScoredList(text)) }))
    .catch((error: unknown) => page.postMessage({ is: 'refused', why: (error as Error).message }));
});

import Sequencer from '@jest/test-sequencer';

/**
 * Tests of whole surfaces before specs of single files. Until jest knows how long files take, it begins with the largest; a small one
 * that starts services would be among the last, and a processor with nothing left to do.
 */
export default class SurfacesFirst extends Sequencer {
  /** @param {{ path: string }[]} tests */
  sort(tests) {
    const longestFirst = super.sort(tests);
    /** @param {{ path: string }} test */
    const isSpec = ({ path }) => path.endsWith('.spec.ts');
    return [...longestFirst.filter((test) => !isSpec(test)), ...longestFirst.filter(isSpec)];
  }
}

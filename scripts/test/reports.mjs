// Counts out of the reports of test runners.

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** @typedef {{ name: string, message: string }} FailedTest */

/**
 * @param {Counts[]} all
 * @returns {Counts}
 */
export function total(all) {
  return all.reduce(
    (sum, each) => ({
      passed: sum.passed + each.passed,
      failed: sum.failed + each.failed,
      skipped: sum.skipped + each.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

/**
 * The line that sums a run up.
 * @param {Counts} counts
 */
export function sum({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/**
 * A JUnit report, as ctest and pytest write it.
 * @param {string} xml
 * @returns {Counts & { failures: FailedTest[] }}
 */
export function readJUnit(xml) {
  const cases = [...xml.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)].map(
    ([, attributes = '', body = '']) => ({
      name: unescape(/\bname="([^"]*)"/.exec(attributes)?.[1] ?? ''),
      failed: /<(?:failure|error)\b/.test(body),
      skipped: /<skipped\b/.test(body) || /\bstatus="(?:disabled|notrun)"/.test(attributes),
      message: unescape(body.replace(/<[^>]*>/g, '')).trim(),
    }),
  );
  const failures = cases.filter(({ failed }) => failed);
  const skipped = cases.filter((each) => each.skipped && !each.failed).length;
  return {
    passed: cases.length - failures.length - skipped,
    failed: failures.length,
    skipped,
    failures: failures.map(({ name, message }) => ({ name, message })),
  };
}

/** @param {string} text */
function unescape(text) {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}

/**
 * jest's `--json` report. A file that could not be run at all counts as one failure.
 * @param {string} json
 * @returns {Counts}
 */
export function readJest(json) {
  const report = JSON.parse(json);
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

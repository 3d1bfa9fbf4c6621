// Counts out of the reports of test runners.

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** @typedef {{ name: string, message: string }} FailedTest */

/** @typedef {{ name: string, reason: string }} SkippedTest */

/** What a machine may lack: hardware, and the speech that is not committed. Tests of nothing else may be left out. */
const MAY_LACK = [
  /\[hardware: [^\]]+\]/,
  /^there is a CUDA device$/,
  /^neither compiled nor on this processor: /,
  /\b(AVX|VNNI|AMX|this processor)\b/,
  /^no recorded speech at /,
];

/** @param {SkippedTest} test */
export function mayBeLeftOut({ name, reason }) {
  return MAY_LACK.some((pattern) => pattern.test(reason) || pattern.test(name));
}

/**
 * The tests that were left out, a line each with the reason.
 * @param {SkippedTest[]} skips
 */
export function listOf(skips) {
  return skips.map(({ name, reason }) => `  ${name}${reason === '' ? '' : `: ${reason}`}\n`).join('');
}

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
 * @returns {Counts & { failures: FailedTest[], skips: SkippedTest[] }}
 */
export function readJUnit(xml) {
  const cases = [...xml.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)].map(
    ([, attributes = '', body = '']) => ({
      name: unescape(/\bname="([^"]*)"/.exec(attributes)?.[1] ?? ''),
      failed: /<(?:failure|error)\b/.test(body),
      reason: reasonOf(body),
      skipped: /<skipped\b/.test(body) || /\bstatus="(?:disabled|notrun)"/.test(attributes),
      message: unescape(body.replace(/<[^>]*>/g, '')).trim(),
    }),
  );
  const failures = cases.filter(({ failed }) => failed);
  const skips = cases.filter((each) => each.skipped && !each.failed);
  return {
    passed: cases.length - failures.length - skips.length,
    failed: failures.length,
    skipped: skips.length,
    failures: failures.map(({ name, message }) => ({ name, message })),
    skips: skips.map(({ name, reason }) => ({ name, reason })),
  };
}

/**
 * Why a test was left out: in pytest's words, or in GoogleTest's.
 * @param {string} body
 */
function reasonOf(body) {
  const ofGoogle = /: Skipped\r?\n([^\n]*)/.exec(body)?.[1];
  const ofPytest = /<skipped\b[^>]*\bmessage="([^"]*)"/.exec(body)?.[1];
  return unescape(ofGoogle ?? ofPytest ?? '').trim();
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
 * @returns {Counts & { skips: SkippedTest[] }}
 */
export function readJest(json) {
  const report = JSON.parse(json);
  /** @type {{ status: string, fullName: string }[]} */
  const tests = report.testResults.flatMap(
    (/** @type {{ assertionResults: object[] }} */ file) => file.assertionResults,
  );
  const skips = tests.filter(({ status }) => status === 'pending' || status === 'todo');
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
    skipped: report.numPendingTests + report.numTodoTests,
    skips: skips.map(({ fullName }) => ({ name: fullName, reason: '' })),
  };
}

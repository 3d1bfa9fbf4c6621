import { describe, expect, it } from '@jest/globals';
import { comparePairs, cosineTable, separation } from '../../scripts/demo/comparison.mjs';
import { mayBeLeftOut, listOf, readJest, readJUnit, sum, total } from '../../scripts/test/reports.mjs';
import { SUITES, together } from '../../scripts/test/suites.mjs';

describe('counts of test runners', () => {
  it("are read from ctest's report", () => {
    const report = readJUnit(`<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="(empty)" tests="4" failures="1" disabled="0" skipped="2">
	<testcase name="audio.Decode.reads &lt;wav&gt;" classname="x" time="0.01" status="run"><system-out>fine: failure is not an option</system-out></testcase>
	<testcase name="audio.Decode.fails" classname="x" time="0.01" status="fail">
		<failure message=""/>
		<system-out>Expected: 1 &amp; 2
Actual: 3</system-out>
	</testcase>
	<testcase name="model.Parity.shared" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/></testcase>
	<testcase name="model.Off" status="disabled"/>
</testsuite>`);
    expect(report).toEqual({
      passed: 1,
      failed: 1,
      skipped: 2,
      failures: [{ name: 'audio.Decode.fails', message: 'Expected: 1 & 2\nActual: 3' }],
      skips: [
        { name: 'model.Parity.shared', reason: 'SKIP_REGULAR_EXPRESSION_MATCHED' },
        { name: 'model.Off', reason: '' },
      ],
    });
  });

  it("are read from pytest's report, whose errors count as failures", () => {
    const { passed, failed, skipped } = readJUnit(
      '<testsuites><testsuite tests="3"><testcase name="a" time="0.1" /><testcase name="b"><error message="x">no fixture</error></testcase>' +
        '<testcase name="c"><skipped message="y">here</skipped></testcase></testsuite></testsuites>',
    );
    expect({ passed, failed, skipped }).toEqual({ passed: 1, failed: 1, skipped: 1 });
  });

  it("are read from jest's report, where a file that cannot run is a failure", () => {
    const report = {
      numPassedTests: 7,
      numFailedTests: 1,
      numRuntimeErrorTestSuites: 2,
      numPendingTests: 3,
      numTodoTests: 1,
      testResults: [
        { assertionResults: [{ status: 'passed', fullName: 'a' }] },
        {
          assertionResults: [
            { status: 'pending', fullName: 'b [hardware: a GPU]' },
            { status: 'todo', fullName: 'c' },
          ],
        },
      ],
    };
    expect(readJest(JSON.stringify(report))).toEqual({
      passed: 7,
      failed: 3,
      skipped: 4,
      skips: [
        { name: 'b [hardware: a GPU]', reason: '' },
        { name: 'c', reason: '' },
      ],
    });
  });

  it('tell what was left out and why, and only hardware and recorded speech may be wanting', () => {
    const { skips } = readJUnit(
      '<testsuites><testcase name="a"><system-out>x_test.cpp:7: Skipped\nthere is a CUDA device\n</system-out><skipped message="SKIP"/></testcase>' +
        '<testcase name="b"><skipped message="no ffmpeg &amp; no espeak"/></testcase></testsuites>',
    );
    expect(skips).toEqual([
      { name: 'a', reason: 'there is a CUDA device' },
      { name: 'b', reason: 'no ffmpeg & no espeak' },
    ]);
    expect(skips.map(mayBeLeftOut)).toEqual([true, false]);
    expect(mayBeLeftOut({ name: 'the check [hardware: x86-64]', reason: '' })).toBe(true);
    expect(mayBeLeftOut({ name: 'parity', reason: 'no recorded speech at ../shared/speech' })).toBe(true);
    expect(mayBeLeftOut({ name: 'the check', reason: '' })).toBe(false);
    expect(listOf(skips)).toBe('  a: there is a CUDA device\n  b: no ffmpeg & no espeak\n');
  });

  it('add up to one line', () => {
    const counts = [
      { passed: 3, failed: 0, skipped: 0 },
      { passed: 2, failed: 1, skipped: 4 },
    ];
    expect(sum(total(counts))).toBe('5 passed, 1 failed, 4 skipped');
    expect(sum(total(counts.slice(0, 1)))).toBe('3 passed, 0 failed');
  });
});

describe('comparison of voices', () => {
  const samples = [
    { speaker: 'anna', embedding: Float32Array.of(1, 0) },
    { speaker: 'anna', embedding: Float32Array.of(0.8, 0.6) },
    { speaker: 'ben', embedding: Float32Array.of(0, 1) },
  ];
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((product, value, i) => product + value * (b[i] ?? 0), 0);
  const { same, different, bySpeakers } = comparePairs(samples, dot);

  it('tells pairs of one voice from pairs of two', () => {
    expect(same).toEqual([expect.closeTo(0.8, 6)]);
    expect(different).toEqual([0, expect.closeTo(0.6, 6)]);
    expect(separation(same, different)).toMatch(/Every pair of the same voice is more alike/);
    expect(separation([0.5], different)).toMatch(/^1 of the 2 pairs of different voices/m);
  });

  it('shows means, and a dash where there is no pair', () => {
    expect(
      cosineTable(['anna', 'ben'], bySpeakers)
        .split('\n')
        .map((line) => line.trim().split(/\s+/)),
    ).toEqual([
      ['anna', 'ben'],
      ['anna', '0.80', '0.30'],
      ['ben', '0.30', '-'],
    ]);
  });
});

describe('suites', () => {
  it('run one after the other, but for pairs that leave a processor free', () => {
    const names = together(SUITES).map((several) => several.map(({ name }) => name));
    expect(names.flat()).toEqual(SUITES.map(({ name }) => name));
    expect(names.filter(({ length }) => length > 1)).toEqual([['python', 'node-versions']]);
  });
});

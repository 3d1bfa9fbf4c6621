import { describe, expect, test } from '@jest/globals';
import { bucketsOf, byLabel, increase, quantile, readMetrics, valueOf } from './prometheus.js';

const TEXT = `# HELP timbre_queue_length Recordings that wait for a worker.
# TYPE timbre_queue_length gauge
timbre_queue_length 3
timbre_failures_total{code="AUDIO_TOO_SHORT"} 2
timbre_failures_total{code="AUDIO_CORRUPT"} 1
timbre_http_request_seconds_bucket{le="0.1",method="GET",route="/v1/info",status="200"} 8
timbre_http_request_seconds_bucket{le="1",method="GET",route="/v1/info",status="200"} 10
timbre_http_request_seconds_bucket{le="+Inf",method="GET",route="/v1/info",status="200"} 10
timbre_http_request_seconds_bucket{le="0.1",method="POST",route="/v1/compare",status="200"} 0
timbre_http_request_seconds_bucket{le="1",method="POST",route="/v1/compare",status="200"} 10
timbre_http_request_seconds_bucket{le="+Inf",method="POST",route="/v1/compare",status="200"} 10
odd{text="a \\"quoted\\" line\\nand \\\\ more",other="}"} 1.5e-3 1700000000
`;

describe('metrics', () => {
  const samples = readMetrics(TEXT);

  test('are read with their labels', () => {
    expect(valueOf(samples, 'timbre_queue_length')).toBe(3);
    expect(valueOf(samples, 'nothing')).toBeNull();
    expect([...byLabel(samples, 'timbre_failures_total', 'code')]).toEqual([
      ['AUDIO_TOO_SHORT', 2],
      ['AUDIO_CORRUPT', 1],
    ]);
    expect(samples.at(-1)).toEqual({
      name: 'odd',
      labels: { text: 'a "quoted" line\nand \\ more', other: '}' },
      value: 0.0015,
    });
  });

  test('of a histogram are summed over what is asked for', () => {
    expect([...bucketsOf(samples, 'timbre_http_request_seconds')]).toEqual([
      [0.1, 8],
      [1, 20],
      [Infinity, 20],
    ]);
    const posts = bucketsOf(samples, 'timbre_http_request_seconds', ({ method }) => method === 'POST');
    expect(quantile(0.5, posts, null)).toBeCloseTo(0.55, 9);
  });
});

describe('a quantile', () => {
  const buckets = (...counts: number[]): Map<number, number> =>
    new Map([0.1, 1, Infinity].map((end, i) => [end, counts[i]!]));

  test('is of what came between two readings', () => {
    expect(quantile(0.5, buckets(100, 110, 110), buckets(100, 100, 100))).toBeCloseTo(0.55, 9);
    expect(quantile(0.5, buckets(100, 110, 110), null)).toBeLessThan(0.1);
  });

  test('is none where nothing came, and the last end where it lies beyond', () => {
    expect(quantile(0.5, buckets(5, 5, 5), buckets(5, 5, 5))).toBeNull();
    expect(quantile(0.5, new Map(), null)).toBeNull();
    expect(quantile(0.9, buckets(0, 0, 4), null)).toBe(1);
  });

  test('counts all of a service that has started again', () => {
    expect(quantile(1, buckets(2, 2, 2), buckets(50, 60, 60))).toBeCloseTo(0.1, 9);
    expect(increase(5, 3)).toBe(2);
    expect(increase(2, 60)).toBe(2);
    expect(increase(2, null)).toBe(2);
  });
});
